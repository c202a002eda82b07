"""The layers of the configuration: shipped catalog, your folder, environment variables."""

from contextlib import chdir

import pytest

from bot import settings
from bot.errors import ConfigError
from tests.support.acme import FILE

SHIPPED = {p.id: p for p in settings.load(settings.config_dir(), {}).providers}


@pytest.fixture
def folder(tmp_path):
    """A configuration folder of a user, empty."""
    return tmp_path


def write(folder, name, text):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def load(folder, **environment):
    return settings.load(folder, environment)


def mistakes(folder, **environment):
    with pytest.raises(ConfigError) as error:
        load(folder, **environment)
    return list(error.value.mistakes)


def test_an_empty_folder_has_the_shipped_providers(folder):
    assert {p.id for p in load(folder).providers} == set(SHIPPED)


def test_a_folder_with_brownout_toml_alone_changes_only_what_it_says(folder):
    write(folder, "brownout.toml", "[web]\nport = 9000\n")
    assert (load(folder).web.port, len(load(folder).providers)) == (9000, len(SHIPPED))


def test_a_folder_without_verdict_toml_has_the_shipped_profiles(folder):
    github = SHIPPED["github"]
    assert load(folder).rules_for(github) == settings.load(settings.config_dir(), {}).rules_for(github)


def test_verdict_toml_of_a_folder_changes_only_its_own_profiles(folder):
    write(folder, "verdict.toml", "[profile.github]\ndwell_min = 99\n")
    changed, shipped = load(folder), settings.load(settings.config_dir(), {})
    assert changed.rules_for(SHIPPED["github"]) != shipped.rules_for(SHIPPED["github"])
    assert changed.rules_for(SHIPPED["cloudflare"]) == shipped.rules_for(SHIPPED["cloudflare"])


def test_a_folder_with_a_catalog_of_its_own_has_exactly_its_providers(folder):
    write(folder, "providers/acme.toml", FILE)
    assert [p.id for p in load(folder).providers] == ["acme"]


def test_shipped_true_adds_the_providers_of_the_folder_to_the_shipped_ones(folder):
    write(folder, "brownout.toml", "[catalog]\nshipped = true\n")
    write(folder, "providers/acme.toml", FILE)
    assert {p.id for p in load(folder).providers} == {"acme", *SHIPPED}


def test_a_whole_file_replaces_the_shipped_provider_of_its_id_whatever_its_name(folder):
    write(folder, "brownout.toml", "[catalog]\nshipped = true\n")
    write(folder, "providers/zz-mine.toml", FILE.replace('id = "acme"', 'id = "sentry"', 1))
    [sentry] = [p for p in load(folder).providers if p.id == "sentry"]
    assert sentry.source.url == "https://status.acme.example"


@pytest.fixture
def extended(folder):
    """Writes a file that extends the shipped provider ``claude``, and returns the provider."""

    def extend(text):
        write(folder, "brownout.toml", "[catalog]\nshipped = true\n")
        write(folder, "providers/claude.toml", f'extends = "claude"\n{text}')
        return load(folder).provider("claude")

    return extend


def test_an_extending_file_changes_only_the_keys_that_it_has(extended):
    changed = extended('vendor = "Our proxy"\n[source]\nurl = "https://proxy.example"\n')
    assert (changed.vendor, changed.source.url) == ("Our proxy", "https://proxy.example")
    assert (changed.name, changed.surfaces) == (SHIPPED["claude"].name, SHIPPED["claude"].surfaces)


def test_an_extending_file_switches_a_provider_off(extended):
    assert not extended("enabled = false\n").enabled


def test_an_extending_file_changes_one_key_of_one_service(extended):
    changed = extended('[[surface]]\nid = "claude-api"\nslo = 99.9\n')
    assert (changed.surface("claude-api").slo, changed.surface("claude-api").name) == (
        99.9,
        SHIPPED["claude"].surface("claude-api").name,
    )
    assert len(changed.surfaces) == len(SHIPPED["claude"].surfaces)


def test_an_extending_file_adds_a_service(extended):
    changed = extended('[[surface]]\nid = "claude-batch"\nname = "Claude batches"\n')
    assert [s.id for s in changed.surfaces] == [*(s.id for s in SHIPPED["claude"].surfaces), "claude-batch"]


def test_an_extending_file_leaves_services_out(extended):
    assert "claude-gov" not in {s.id for s in extended('without = ["claude-gov"]\n').surfaces}


def test_a_mistake_in_an_extending_file_is_located_in_it(folder, extended):
    with pytest.raises(ConfigError) as error:
        extended('[[surface]]\nid = "claude-api"\nslo = 999\n')
    assert error.value.mistakes[0].startswith(f"{folder / 'providers' / 'claude.toml'}:4: surface.")


def test_extending_an_unknown_provider_is_a_mistake(folder):
    write(folder, "brownout.toml", "[catalog]\nshipped = true\n")
    file = write(folder, "providers/x.toml", 'extends = "cloude"\n')
    assert mistakes(folder) == [f"{file}:1: extends: no shipped provider 'cloude' (brownout list all shows the ids)"]


def test_a_mistake_in_the_settings_is_no_second_mistake_of_a_file_that_extends(folder):
    main = write(folder, "brownout.toml", "[catalog]\nshipped = true\n[web]\npubic = true\n")
    write(folder, "providers/claude.toml", 'extends = "claude"\n')
    assert [m.split(": ")[0] for m in mistakes(folder)] == [f"{main}:4"]


def test_enabled_lists_exactly_the_providers_that_are_polled(folder):
    write(folder, "brownout.toml", '[catalog]\nenabled = ["github", "mistral"]\n')
    assert {p.id for p in load(folder).providers if p.enabled} == {"github", "mistral"}


def test_enabling_an_unknown_provider_is_a_mistake_with_its_line(folder):
    file = write(folder, "brownout.toml", '[catalog]\nenabled = ["gihub"]\n')
    assert mistakes(folder) == [f"{file}:2: no provider 'gihub'; did you mean 'github'?"]


def test_an_environment_variable_overrides_the_folder(folder):
    write(folder, "brownout.toml", "[web]\nport = 9000\n")
    assert load(folder, BROWNOUT_WEB_PORT="9001").web.port == 9001


def test_an_environment_variable_leaves_the_other_keys_of_its_table(folder):
    write(folder, "brownout.toml", '[web]\nport = 9000\nhosts = ["a.example"]\n')
    assert load(folder, BROWNOUT_WEB_HOST="::1").web.hosts == ("a.example",)


@pytest.mark.parametrize("text", ["claude,github", "claude, github", '["claude", "github"]'])
def test_a_list_in_the_environment_is_separated_by_commas_or_is_toml(folder, text):
    assert {p.id for p in load(folder, BROWNOUT_CATALOG_ENABLED=text).providers if p.enabled} == {"claude", "github"}


def test_a_misspelt_environment_variable_is_a_mistake(folder):
    [mistake] = mistakes(folder, BROWNOUT_WEB_PROT="1")
    assert mistake.startswith("BROWNOUT_WEB_PROT: there is no such setting; there are BROWNOUT_WEB_ENABLED")


def test_a_wrong_value_in_the_environment_is_a_mistake_that_names_the_key(folder):
    [mistake] = mistakes(folder, BROWNOUT_WEB_PORT="many")
    assert "web.port" in mistake


def test_variables_of_no_section_are_none_of_the_settings(folder):
    assert load(folder, BROWNOUT_DOCS="y").web.port == 8787


def test_the_environment_names_the_folder(folder):
    write(folder, "brownout.toml", "[web]\nport = 9000\n")
    assert settings.load(None, {"BROWNOUT_CONFIG": str(folder)}).web.port == 9000


def test_a_folder_in_the_environment_that_does_not_exist_is_a_mistake(folder):
    with pytest.raises(ConfigError, match="directory not found"):
        settings.load(None, {"BROWNOUT_CONFIG": str(folder / "absent")})


def test_without_a_folder_the_working_directory_is_looked_at(folder):
    write(folder, "brownout-config/brownout.toml", "[web]\nport = 9000\n")
    with chdir(folder):
        assert settings.load(None, {}).web.port == 9000


def test_the_shipped_folder_itself_is_no_layer_below_itself():
    assert settings.load(settings.config_dir(), {}).providers == settings.load(None, {}).providers
