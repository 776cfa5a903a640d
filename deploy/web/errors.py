"""What can go wrong when the page is built."""

from deploy.local.errors import LocalError


class BuildFailed(LocalError):
    """The one map's page could not be built."""
