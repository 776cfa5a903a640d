"""Everything that `deploy.local` can refuse or fail at.

LocalError
├── PrerequisiteMissing      a program of the machine is not there
├── PackageSourceMissing     apt has no Debian source that we can use
├── UnsupportedMachine       no servers for this kind of machine
├── DownloadFailed           a package or a jar could not be fetched
├── PrefixBroken             what was fetched does not work or is not what was pinned
├── FolderUnreachable        a process's user cannot enter a folder
├── PortTaken                somebody listens where a server should
├── UserMissing              no unprivileged user for a process
├── AlreadyRunning           a supervisor holds this state folder
├── NotRunning               nothing to stop or ask
├── CredentialsUnreadable    the credentials file is damaged
├── DevicesUnreadable        the register of devices is damaged
├── BrokerRefused            the MQTT broker did not change a device's account
├── ServerNotReady           a server started and never answered
├── NotYet                   one readiness probe failed; it is tried again
│   └── NotServing           the process answered the probe, but does not do its work
├── SetupStepFailed          topics or migrations could not be made
├── UnknownProcess           no process of that name
├── BackupFailed             a backup could not be made; what was written is gone again
├── BackupUnusable           what should be restored is no whole backup of ours, or does not fit these servers
├── RestoreRefused           there are data already where a backup should be restored
├── RestoreUnfinished        a restore was cut short, so nothing starts
└── UpgradeFailed            newer servers did not work; everything is as it was
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
    """An unprivileged user that runs a process cannot enter a folder above its files."""


class UserMissing(LocalError):
    """No process may run as root, and the machine has no unprivileged user for it."""


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


class DevicesUnreadable(LocalError):
    """The register of devices is damaged; put it back from a backup."""


class KeysUnreadable(LocalError):
    """The register of API keys is damaged; put it back from a backup."""


class KeysUnchanged(LocalError):
    """The register of API keys was not changed."""


class BrokerRefused(LocalError):
    """The MQTT broker did not change the account of a device."""


class ServerNotReady(LocalError):
    """A process started but did not become ready in time."""


class NotYet(LocalError):
    """A server does not answer yet."""


class NotServing(NotYet):
    """It answers, and says that it does not do its work just now."""


class SetupStepFailed(LocalError):
    """A set-up step failed, so nothing that depends on it was started."""


class UnknownProcess(LocalError):
    """The supervisor has no process of that name."""


class BackupFailed(LocalError):
    """No backup was made."""


class BackupUnusable(LocalError):
    """This cannot be restored, and nothing was changed."""


class RestoreRefused(LocalError):
    """Nothing was restored: there are data already."""


class RestoreUnfinished(LocalError):
    """A restore into this folder was cut short: run `district restore` again, or `make clean`."""


class UpgradeFailed(LocalError):
    """The newer servers did not work with these data: the servers and the data from before are in place again."""
