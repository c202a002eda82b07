"""The scopes of the manifest, each with what it is for, and what a token lacks."""

from pathlib import Path

import pytest
import yaml

from bot.slack.scopes import SCOPE_USES, missing_scope_texts

MANIFEST = Path(__file__).parents[2] / "manifest.yml"


def test_every_scope_of_the_manifest_has_its_use():
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(SCOPE_USES)


@pytest.mark.parametrize("scope", [scope for scope in SCOPE_USES if scope != "usergroups:read"])
def test_a_missing_scope_is_named_with_what_does_not_work(scope):
    [text] = missing_scope_texts(frozenset(SCOPE_USES) - {scope})
    assert (scope in text, SCOPE_USES[scope] in text) == (True, True)


@pytest.mark.parametrize(("has_groups", "count"), [(True, 1), (False, 0)])
def test_the_scope_of_user_groups_is_missed_only_where_admins_are_groups(has_groups, count):
    scopes = frozenset(SCOPE_USES) - {"usergroups:read"}
    assert len(list(missing_scope_texts(scopes, has_admin_groups=has_groups))) == count


def test_where_slack_names_no_scopes_none_is_missed():
    assert list(missing_scope_texts(None)) == []
