"""The platform's services; none imports another, they share `services.runtime` and `schemas`."""
