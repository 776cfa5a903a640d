"""Everything that `deploy.local` can refuse or fail at.

LocalError
├── PrerequisiteMissing      a program of the machine is not there
├── PackageSourceMissing     apt has no Debian source that we can use
├── UnsupportedMachine       no servers for this kind of machine
├── DownloadFailed           a package or a jar could not be fetched
├── PrefixBroken             what was fetched does not work or is not what was pinned
├── FolderUnreachable        the server user cannot enter a folder
├── PortTaken                somebody listens where a server should
├── UserMissing              no unprivileged user to run the servers
├── AlreadyRunning           a supervisor holds this state folder
├── NotRunning               nothing to stop or ask
├── CredentialsUnreadable    the credentials file is damaged
├── ServerNotReady           a server started and never answered
├── NotYet                   one readiness probe failed; it is tried again
├── SetupStepFailed          topics or migrations could not be made
└── UnknownProcess           no process of that name
"""


class LocalError(Exception):
    """The local servers could not do what was asked."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        summary = (self.__doc__ or type(self).__name__).strip().splitlines()[0]
        super().__init__(f"{summary} {detail}".strip())


class PrerequisiteMissing(LocalError):
    """The machine lacks a program that the local servers need."""


class PackageSourceMissing(LocalError):
    """apt on this machine names no Debian archive to take the servers from."""


class UnsupportedMachine(LocalError):
    """There are no local servers for this kind of machine; use containers or servers of your own."""


class DownloadFailed(LocalError):
    """A download failed; what is complete is kept, so run the same command again."""


class PrefixBroken(LocalError):
    """The private prefix of servers is not what it should be; `make prepare` builds it again."""


class FolderUnreachable(LocalError):
    """The unprivileged user that runs the servers cannot enter a folder above their files."""


class UserMissing(LocalError):
    """Servers refuse to run as root, and the machine has no unprivileged user for them."""


class PortTaken(LocalError):
    """A port that a server needs is taken."""


class AlreadyRunning(LocalError):
    """The district is already running."""


class NotRunning(LocalError):
    """The district is not running; `make run` starts it."""


class NotOurs(LocalError):
    """The folder holds no data of the district."""


class CredentialsUnreadable(LocalError):
    """The credentials file is damaged; restore it, or `make clean` to begin with new data."""


class ServerNotReady(LocalError):
    """A process started but did not become ready in time."""


class NotYet(LocalError):
    """A server does not answer yet."""


class SetupStepFailed(LocalError):
    """A set-up step failed, so nothing that depends on it was started."""


class UnknownProcess(LocalError):
    """The supervisor has no process of that name."""
