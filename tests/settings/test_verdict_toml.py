from datetime import timedelta

import pytest

from bot import settings
from bot.errors import ConfigError

PROVIDER = """id = "acme"
name = "Acme"
profile = "{profile}"
[source]
url = "https://status.acme.example"
[[surface]]
id = "acme-api"
name = "Acme API"
"""


def load(folder, verdict, profile="default"):
    (folder / "providers").mkdir()
    (folder / "providers" / "acme.toml").write_text(PROVIDER.format(profile=profile))
    (folder / "verdict.toml").write_text(verdict)
    return settings.load(folder)


def rules(found, preset=None):
    return found.rules_for(found.providers[0], preset)


def test_without_numbers_the_rules_are_r60_15(tmp_path):
    found = rules(load(tmp_path, ""))
    assert (found.name, found.dwell, found.resolved_dwell) == ("R60/15", timedelta(minutes=60), timedelta(minutes=15))


def test_a_profile_is_laid_over_the_built_in_numbers(tmp_path):
    found = rules(load(tmp_path, "[profile.slow]\nsettle_min = 15\nclears_components = true\n", "slow"))
    assert (found.settle, found.clears_components) == (timedelta(minutes=15), True)


def test_a_preset_is_laid_over_the_profile(tmp_path):
    text = "[profile.slow]\nresolved_dwell_min = 5\n[preset.cautious]\nresolved_dwell_min = 30\n"
    assert rules(load(tmp_path, text, "slow"), "cautious").resolved_dwell == timedelta(minutes=30)


def test_an_unknown_number_is_a_mistake_with_its_line(tmp_path):
    with pytest.raises(ConfigError, match=r"verdict\.toml:3: unknown key 'profile\.slow\.dwel_min'"):
        load(tmp_path, "[profile.slow]\nname = 'R'\ndwel_min = 3\n", "slow")


def test_an_unknown_preset_is_a_mistake_with_its_line(tmp_path):
    with pytest.raises(ConfigError, match=r"verdict\.toml:1: preset\.bold"):
        load(tmp_path, "[preset.bold]\ndwell_min = 3\n")


def test_an_unknown_profile_is_a_mistake_in_the_providers_file(tmp_path):
    with pytest.raises(ConfigError, match=r"acme\.toml:3: no profile 'bold' in verdict\.toml"):
        load(tmp_path, "", "bold")


@pytest.mark.parametrize(("preset", "dwell", "resolved"), [("cautious", 60, 30), ("default", 60, 15), ("fast", 30, 10)])
def test_the_presets_that_ship(preset, dwell, resolved):
    found = settings.load()
    numbers = found.rules_for(found.provider("claude"), preset)
    assert (numbers.dwell, numbers.resolved_dwell) == (timedelta(minutes=dwell), timedelta(minutes=resolved))
