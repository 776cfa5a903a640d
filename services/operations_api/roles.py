"""Who may do what: the one table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from schemas.api_key import Role


class Permission(StrEnum):
    """What a route asks for."""

    SELF = "self"
    """Ask who one is, begin and end one's session."""
    READ = "read"
    """Read everything but the audit log."""
    READ_ALERTS = "read-alerts"
    """Read alerts and hear of them as they come."""
    READ_DELIVERIES = "read-deliveries"
    """Read what became of events; an integrator those of the subscriber of the same id."""
    TAKE = "take"
    """Acknowledge an alert: a consumer's duty desk takes it as an operator does."""
    ACT = "act"
    """Act on alerts, silence assets and zones."""
    MAINTAIN = "maintain"
    """Plan maintenance windows."""
    REPORT = "report"
    """Enter figures of the plan's targets, and confirm those of others."""
    RECEIVE = "receive"
    """Say that an event has been taken into one's own books."""
    AUDIT = "audit"
    """Read who changed what."""


_PEOPLE: Final = frozenset({Role.VIEWER, Role.OPERATOR, Role.PLAN_OFFICE, Role.ADMIN})
_OPERATORS: Final = frozenset({Role.OPERATOR, Role.ADMIN})
_CONSUMERS: Final = frozenset({Role.INTEGRATOR, Role.ADMIN})
_ALL: Final = frozenset(Role)

ALLOWED: Final[Mapping[Permission, frozenset[Role]]] = MappingProxyType(
    {
        Permission.SELF: _ALL,
        Permission.READ: _PEOPLE,
        Permission.READ_ALERTS: _ALL,
        Permission.READ_DELIVERIES: _ALL,
        Permission.TAKE: _OPERATORS | _CONSUMERS,
        Permission.ACT: _OPERATORS,
        Permission.MAINTAIN: _OPERATORS,
        Permission.REPORT: frozenset({Role.PLAN_OFFICE, Role.ADMIN}),
        Permission.RECEIVE: _CONSUMERS,
        Permission.AUDIT: frozenset({Role.ADMIN}),
    }
)


def may(role: Role, permission: Permission) -> bool:
    """Whether a role has a permission."""
    return role in ALLOWED[permission]


def permissions(role: Role) -> tuple[str, ...]:
    """Everything that a role may do, for `GET me`."""
    return tuple(str(permission) for permission in Permission if may(role, permission))


def roles_with(permission: Permission) -> str:
    """Roles that have a permission, for people: `operator or admin`."""
    return " or ".join(str(role) for role in Role if may(role, permission))
