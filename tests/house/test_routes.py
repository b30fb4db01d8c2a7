"""Every route says who may use it."""

from __future__ import annotations

import re

from flask import Flask

from crm.accounts.rules import Permission
from crm.core.web import POLICY, csrf

KNOWN = {permission.value for permission in Permission}


def test_every_route_declares_who_may_use_it(app: Flask) -> None:
    unmarked = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        and "needs" not in app.view_functions[rule.endpoint].__dict__
        and not app.view_functions[rule.endpoint].__dict__.get("public")
    ]
    assert unmarked == []


def test_every_declared_permission_exists(app: Flask) -> None:
    for endpoint, view in app.view_functions.items():
        assert set(view.__dict__.get("needs", ())) <= KNOWN, endpoint


def test_few_routes_are_public(app: Flask) -> None:
    public = {endpoint for endpoint, view in app.view_functions.items() if view.__dict__.get("public")}
    assert public <= {
        "accounts.sign_in",
        "accounts.sign_in_code",
        "accounts.set_language",
        "activities.feed",  # by its secret
        "digest.mute",  # by its signature
        "digest.mute_now",
        "ops.healthz",
        "ops.readyz",
    }


def test_addresses_are_kebab_case_with_typed_parts(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        bare = re.sub(r"<(int|string|path|uuid|any\([^)]*\)):[a-z_]+>", "x", rule.rule)
        assert re.fullmatch(r"[a-z0-9/.-]+", bare), rule.rule


def test_the_content_policy_is_strict() -> None:
    assert "unsafe" not in POLICY
    assert "*" not in POLICY
    for part in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert part in POLICY


def test_only_token_signed_addresses_are_exempt_from_the_form_token(app: Flask) -> None:
    assert csrf._exempt_views == {"crm.digest.views.muting.mute_now"}  # RFC 8058: a mail program sends it
    assert not csrf._exempt_blueprints
