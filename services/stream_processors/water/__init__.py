"""The feed water: GB 3838-2002 classes, lakes, trophic state, and the alert on the plan's target."""
