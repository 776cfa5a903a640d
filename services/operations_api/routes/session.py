"""Who asks, and sessions of pages."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from services.operations_api.access import COOKIE, Principal, Self_
from services.operations_api.models.access import Language, Me, SessionAnswer
from services.operations_api.models.acting import SessionRequest
from services.operations_api.parts import Given
from services.operations_api.problems import documented
from services.operations_api.roles import permissions

router: Final = APIRouter(tags=["session"])


@router.get("/me", operation_id="me", responses=documented(), summary="Who asks")
async def me(*, asker: Self_, given: Given) -> Me:
    """Say who asks, and what they may."""
    return _me(asker, given)


@router.post("/session", operation_id="beginSession", status_code=201, responses=documented(400, 413), summary="Log in")
async def begin(body: SessionRequest, request: Request, response: Response, given: Given) -> SessionAnswer:
    """Begin a session with a one-time token of `district map login` or an API key; sets its cookie."""
    session, principal = given.doorkeeper.begin_session(request, body.token)
    response.set_cookie(
        COOKIE,
        session,
        max_age=int(given.settings.session_hours * 3600),
        secure=given.settings.has_tls,
        httponly=True,
        samesite="strict",
        path="/",
    )
    return SessionAnswer(**_me(principal, given).model_dump())


@router.delete("/session", operation_id="endSession", status_code=204, responses=documented(), summary="Log out")
async def end(*, asker: Self_, request: Request, response: Response, given: Given) -> None:
    """End the session that asks; a key is not touched."""
    del asker
    given.sessions.end(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


def _me(asker: Principal, given: Given) -> Me:
    return Me(
        id=asker.id,
        name=asker.name,
        role=asker.role,
        languages=tuple(Language),
        may=permissions(asker.role),
        csrf=asker.csrf,
        grafana=given.settings.grafana_url,
        expires_at=asker.expires_at,
    )
