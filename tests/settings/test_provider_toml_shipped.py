"""The provider files that ship: they load, hang together, and know what was promised."""

import re

import pytest

from bot import settings
from bot.formats import FORMATS
from bot.rules.attribution.components import find_component_link
from bot.rules.attribution.lexicon import PhraseKind, compile_lexicon
from bot.rules.attribution.text import read_text
from bot.settings.provider_toml import MAX_SHORT_NAME

PROVIDERS = {p.id: p for p in settings.load().providers}
SURFACES = {s.id: s for p in PROVIDERS.values() for s in p.surfaces}


# issue 7 names these, AI first
PROMISED = [
    "claude",
    "openai",
    "gemini",
    "google",
    "aws",
    "azure",
    "mistral",
    "cohere",
    "perplexity",
    "deepseek",
    "groq",
    "elevenlabs",
    "openrouter",
    "cursor",
    "windsurf",
    "huggingface",
    "replicate",
    "github",
    "gitlab",
    "cloudflare",
    "slack",
    "datadog",
    "pagerduty",
    "sentry",
    "npm",
    "pypi",
    "docker",
    "vercel",
    "netlify",
    "twilio",
    "stripe",
    "auth0",
    "okta",
    "atlassian",
    "characterai",
]
SEEN = {
    "claude",
    "openai",
    "github",
    "cloudflare",
    "slack",
    "google",
    "gemini",
    "characterai",
}  # recorded, or their ids are


def test_the_promised_providers_are_there():
    assert set(PROMISED) <= set(PROVIDERS)


def test_there_are_at_least_a_hundred_and_ten_providers():
    assert len(PROVIDERS) >= 110


@pytest.mark.parametrize("name", ["web", "mobile", "desktop", "login", "api", "console", "code", "cowork", "gov"])
def test_claude_has_every_surface_that_its_users_stand_on(name):
    assert f"claude-{name}" in SURFACES


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda p: p.id)
def test_a_file_says_since_when_and_how_its_page_is_verified_or_that_it_is_not(provider):
    assert provider.verified == bool(re.match(r"20\d\d-\d\d|20\d\d", provider.verification))


def test_what_we_have_recorded_is_verified():
    assert {p.id for p in PROVIDERS.values() if p.verified} >= SEEN


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda p: p.id)
def test_a_page_that_is_said_to_be_unreadable_is_not_verified(provider):
    text = (settings.config_dir() / "providers" / f"{provider.id}.toml").read_text()
    assert not (provider.verified and "cannot be read" in text)


def test_what_nobody_has_seen_and_what_is_gone_is_switched_off():
    assert {p.id for p in PROVIDERS.values() if p.enabled} == SEEN - {"characterai"}


@pytest.mark.parametrize("provider", [p for p in PROVIDERS.values() if p.id not in SEEN], ids=lambda p: p.id)
def test_a_provider_begins_with_two_to_six_surfaces(provider):
    assert 2 <= len(provider.surfaces) <= 6


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda p: p.id)
def test_a_provider_file_is_called_what_it_is(provider):
    assert (settings.config_dir() / "providers" / f"{provider.id}.toml").is_file()


@pytest.mark.parametrize("kind", FORMATS)
def test_no_two_providers_are_of_one_page(kind):
    pages = [(p.source.url, p.source.path, p.source.page) for p in PROVIDERS.values() if p.source.kind == kind]
    assert len(set(pages)) == len(pages)


def test_no_two_providers_have_the_id_of_one_page():
    ids = [page_id for p in PROVIDERS.values() for page_id in p.page_ids]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda p: p.id)
def test_the_id_of_a_page_has_the_form_of_its_format(provider):
    forms = {"statuspage": r"[0-9a-z]{12}", "incidentio": r"[0-9A-HJKMNP-TV-Z]{26}"}
    form = forms.get(provider.source.kind, ".*")
    assert all(re.fullmatch(form, page_id) for page_id in provider.page_ids)
    assert provider.source.kind != "statusio" or re.fullmatch(r"[0-9a-f]{24}", provider.source.page)


def test_ids_are_unique_over_the_catalogue():
    assert len(SURFACES) == sum(len(p.surfaces) for p in PROVIDERS.values())


@pytest.mark.parametrize("surface", SURFACES.values(), ids=lambda s: s.id)
def test_needs_are_of_the_same_provider_and_instead_is_another_surface(surface):
    assert all(SURFACES[n].provider == surface.provider for n in surface.needs)
    assert set(surface.instead) <= set(SURFACES) - {surface.id}


@pytest.mark.parametrize("surface", [s for s in SURFACES.values() if s.instead], ids=lambda s: s.id)
def test_another_fault_domain_comes_first(surface):
    same = [SURFACES[i].fault_domain == surface.fault_domain for i in surface.instead]
    assert same == sorted(same)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda p: p.id)
def test_no_component_stands_for_two_surfaces(provider):
    claimed = [c.casefold() for s in provider.surfaces for c in (*s.components, *s.parts)]
    assert len(set(claimed)) == len(claimed)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=lambda s: s.id)
def test_each_of_its_words_is_read_as_the_surface(surface):
    provider = PROVIDERS[surface.provider]
    for word in (*surface.words, *surface.cased):
        named = {
            s
            for m in compile_lexicon(provider).find_mentions(f"so the {word}")
            if m.kind is PhraseKind.NAME
            for s in m.surfaces
        }
        assert surface.id in named, word


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda p: p.id)
def test_what_it_ignores_names_nothing(provider):
    assert all(not read_text(f"see {text}", provider).affected_mentions() for text in provider.ignore)


def test_openais_codex_in_the_desktop_app_is_chatgpt():
    assert (
        find_component_link("01KMKFAMWKQ81YWSE1Z18R6VHR", "Codex in ChatGPT Desktop", PROVIDERS["openai"]).surface
        == "chatgpt-web"
    )


def test_both_of_openais_logins_are_the_login():
    ids = ("01JSM5RTJWHRWDTS6Q604VEW3B", "01JMXBNJXG1S2D9V65P1ZZTD94")
    assert {find_component_link(i, "Login", PROVIDERS["openai"]).surface for i in ids} == {"openai-login"}


def test_claude_code_needs_the_login():
    assert "claude-login" in SURFACES["claude-code"].needs


@pytest.mark.parametrize("surface", [s for s in SURFACES.values() if s.is_login], ids=lambda s: s.id)
def test_a_broken_login_comes_with_advice_to_stay_signed_in(surface):
    assert "Stay signed in" in surface.people


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda p: p.id)
def test_every_service_has_a_short_name_of_its_own(provider):
    names = [s.short_name for s in provider.surfaces]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= MAX_SHORT_NAME
