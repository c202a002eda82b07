"""An objective in the catalogue: percent, optional, and refused where no surface could miss or meet it."""

import pytest

from bot import settings
from bot.errors import ConfigError

PROVIDER = """
id = "acme"
name = "Acme"
[source]
url = "https://status.acme.example"
[[surface]]
id = "acme-api"
name = "Acme API"
"""


def load(folder, more):
    (folder / "providers").mkdir()
    (folder / "providers" / "acme.toml").write_text(PROVIDER + more)
    return settings.load(folder).providers[0].surfaces[0]


def test_an_objective_is_read_in_percent(tmp_path):
    assert load(tmp_path, "slo = 99.9\n").slo == 99.9


def test_a_surface_needs_no_objective(tmp_path):
    assert load(tmp_path, "").slo is None


@pytest.mark.parametrize("slo", ["0", "100", "-1", '"high"'])
def test_an_objective_outside_of_0_to_100_is_a_mistake(tmp_path, slo):
    with pytest.raises(ConfigError, match="slo"):
        load(tmp_path, f"slo = {slo}\n")
