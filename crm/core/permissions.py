"""Who asks, and what they may: the `Actor` every query and action takes, and the marks on routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crm.core.words import N_, Refused, Word

F = TypeVar("F", bound=Callable[..., Any])


class Scope(Word):
    """How far a permission reaches, from widest to narrowest."""

    ALL = "all", N_("全部")
    UNIT = "unit", N_("本单位")
    TEAM = "team", N_("本人和专班")
    OWN = "own", N_("本人负责或创建")
    ZONE = "zone", N_("全区公开")
    READ = "read", N_("只读")


class Forbidden(Refused):
    """A function one may not use: the web answers 403."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts or looks. `grants` maps a permission such as ``firm:read`` to how far it reaches;
    `unit_ids` are the person's unit and every unit under it."""

    user_id: int | None
    name: str
    grants: Mapping[str, Scope] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    unit_id: int | None = None
    unit_ids: frozenset[int] = frozenset()
    is_system: bool = False

    def may(self, permission: str) -> bool:
        return self.is_system or permission in self.grants

    def scope(self, permission: str) -> Scope | None:
        """How far the permission reaches, or None when it is not held."""
        return Scope.ALL if self.is_system else self.grants.get(permission)

    def require(self, permission: str) -> None:
        """Raises `Forbidden` when the permission is not held."""
        if not self.may(permission):
            raise Forbidden(N_("您的角色不能做这件事。需要时请联系安全管理员授权。"))


def system(name: str) -> Actor:
    """The machine itself: `system("cli")` is written `system:cli` in the audit."""
    return Actor(user_id=None, name=f"system:{name}", is_system=True)


def needs(*permissions: str) -> Callable[[F], F]:
    """Mark a view: the signed-in person needs one of these permissions."""

    def mark(view: F) -> F:
        view.__dict__["needs"] = permissions
        return view

    return mark


def signed_in(view: F) -> F:
    """Mark a view that everybody who is signed in may use (own profile, sign-out)."""
    view.__dict__["needs"] = ()
    return view


def public(view: F) -> F:
    """Mark a view that needs no sign-in."""
    view.__dict__["public"] = True
    return view
