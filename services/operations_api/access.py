"""Who asks and whether they may: a dependency of every route, and with it the security schemes of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from schemas.api_key import Role
from services.operations_api.parts import Given
from services.operations_api.roles import Permission

COOKIE: Final = "district_session"
CSRF_HEADER: Final = "X-CSRF-Token"

_KEY = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: `district keys add` makes one.")
_SESSION = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="session",
    description=f"The cookie of a page's session; writes carry `{CSRF_HEADER}` as well.",
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks."""

    id: str
    """Id of the key."""
    name: str
    role: Role
    csrf: str | None = None
    """Set when a session asks, as the next."""
    session: str | None = None
    """The session's name."""
    expires_at: datetime | None = None


class May:
    """Dependency: lets those pass whose role has the permission.

    Raises:
        NotKnown: no key or session, or one that does not count.
        NotAllowed: the role may not, or a write comes without its session's token.
        TooMany: more than one may ask.
    """

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(
        self,
        request: Request,
        given: Given,
        key: Annotated[HTTPAuthorizationCredentials | None, Security(_KEY)],
        session: Annotated[str | None, Security(_SESSION)],
    ) -> Principal:
        """Return who asks."""
        return given.doorkeeper.let_in(request, self.permission, None if key is None else key.credentials, session)


Self_ = Annotated[Principal, Depends(May(Permission.SELF))]
Reader = Annotated[Principal, Depends(May(Permission.READ))]
AlertReader = Annotated[Principal, Depends(May(Permission.READ_ALERTS))]
DeliveryReader = Annotated[Principal, Depends(May(Permission.READ_DELIVERIES))]
Taker = Annotated[Principal, Depends(May(Permission.TAKE))]
Actor = Annotated[Principal, Depends(May(Permission.ACT))]
Maintainer = Annotated[Principal, Depends(May(Permission.MAINTAIN))]
PlanOfficer = Annotated[Principal, Depends(May(Permission.REPORT))]
Receiver = Annotated[Principal, Depends(May(Permission.RECEIVE))]
Auditor = Annotated[Principal, Depends(May(Permission.AUDIT))]
