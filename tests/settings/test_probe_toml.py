"""Probes in config: where they may stand, which wins, and that no key gets in or is shown."""

import pytest

from bot.errors import ConfigError
from bot.settings import load

ACME = """\
id = "acme"
name = "Acme"

[source]
url = "https://status.acme.example"

[[surface]]
id = "acme-login"
name = "Acme login"

[[surface]]
id = "acme-api"
name = "Acme API"
"""
SHIPPED = """
[surface.probe]
url = "https://api.acme.example/v1/models"
status = [200, 401]
key_env = "ACME_API_KEY"
key_header = "x-api-key"
key_prefix = ""
headers = { acme-version = "2026-01-01" }
"""
OWN = '[probe.acme-login]\nurl = "https://acme.example/login"\nmarker = "log in"\n'


@pytest.fixture
def written(tmp_path):
    def write(main="", acme=ACME):
        (tmp_path / "providers").mkdir(exist_ok=True)
        (tmp_path / "brownout.toml").write_text(main)
        (tmp_path / "providers" / "acme.toml").write_text(acme)
        return tmp_path

    return write


def probes(folder):
    return {p.surface: p for p in load(folder).probes}


def mistake(folder):
    with pytest.raises(ConfigError) as caught:
        load(folder)
    [line] = [line.replace(f"{folder}/", "") for line in caught.value.mistakes]
    return line


def own(line):
    return f'[probe.acme-login]\nurl = "https://acme.example/login"\n{line}\n'


def test_no_probe_is_on_unless_somebody_says_so(written):
    assert probes(written()) == {}


def test_a_provider_file_may_have_a_probe_of_a_surface(written):
    found = probes(written(acme=ACME + SHIPPED))["acme-api"]
    assert (found.status, found.key_env, found.key_header) == ((200, 401), "ACME_API_KEY", "x-api-key")


def test_brownout_toml_adds_a_probe_to_a_provider_as_it_is_shipped(written):
    found = probes(written(OWN))["acme-login"]
    assert (found.url, found.marker, found.every_s) == ("https://acme.example/login", "log in", 60)


def test_brownout_toml_wins_over_the_provider_file_as_a_whole(written):
    found = probes(written('[probe.acme-api]\nurl = "https://gateway.example/"\n', ACME + SHIPPED))["acme-api"]
    assert (found.url, found.key_env) == ("https://gateway.example/", "")


def test_a_shipped_probe_can_be_turned_off(written):
    off = '[probe.acme-api]\nurl = "https://api.acme.example/"\nenabled = false\n'
    assert probes(written(off, ACME + SHIPPED)) == {}


def test_one_status_needs_no_list(written):
    assert probes(written(own("status = 204")))["acme-login"].status == (204,)


def test_a_probe_of_a_surface_that_nobody_has_is_named_with_the_nearest(written):
    found = mistake(written("\n[probe.acme-logn]\nurl = 'https://acme.example'\n"))
    assert found == "brownout.toml:2: no provider file has the surface 'acme-logn'; did you mean 'acme-login'?"


def test_an_unknown_key_has_its_line(written):
    found = mistake(written(own("statuss = 200")))
    assert found == "brownout.toml:3: unknown key 'probe.acme-login.statuss'; delete it or check its spelling"


def test_a_mistake_in_a_provider_file_has_its_line(written):
    found = mistake(written(acme=ACME + SHIPPED.replace("[200, 401]", "[2000]")))
    assert found.startswith("providers/acme.toml:17: surface.1.probe.status.0: ")


@pytest.mark.parametrize(
    "url", ["acme.example", "ftp://acme.example/", "file:///etc/passwd", "https://", "http://a b/"]
)
def test_only_the_web_is_tried(written, url):
    found = mistake(written(f'[probe.acme-login]\nurl = "{url}"\n'))
    assert found.startswith("brownout.toml:2: probe.acme-login.url: must be an address of the web")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("bad = 6", "bad = 6 failures can't be among of = 5 tries"),
        ("within_s = 60\nevery_s = 30", "within_s = 60 is longer than every_s = 30"),
        ('method = "HEAD"\nmarker = "x"', "an answer to HEAD has no body"),
        ('body = "{}"', 'a body needs method = "POST"'),
        ("every_s = 0.1", "should be greater than or equal to 1"),
        ("every_s = 600", "should be less than or equal to 120"),
        ("within_s = nan", "should be a finite number"),
        ("status = []", "should have at least 1 item"),
        ('method = "DELETE"', "should be 'GET', 'HEAD' or 'POST'"),
        ('headers = { Host = "other" }', "Host is set by the probe itself"),
        ('headers = { "a b" = "c" }', "should match pattern"),
        ('headers = { a = "b\\r\\nc: d" }', "should match pattern"),
    ],
)
def test_what_makes_no_sense_is_said(written, line, why):
    assert why in mistake(written(own(line)))


@pytest.mark.parametrize(
    "line",
    [
        'key_env = "sk-ant-TOPSECRET"',
        'headers = { Authorization = "Bearer TOPSECRET" }',
        'headers = { x-api-key = "TOPSECRET" }',
        'headers = { Cookie = "session=TOPSECRET" }',
        'key_prefix = "Bearer sk-ant-TOPSECRET"',
        'key = "TOPSECRET"',
    ],
)
def test_a_key_in_the_file_is_a_mistake_and_is_not_shown(written, line):
    found = mistake(written(own(line)))
    assert (found.startswith("brownout.toml:3: "), "TOPSECRET" in found) == (True, False)


@pytest.mark.parametrize("url", ["https://me:TOPSECRET@acme.example/", "https://acme.example/?api_key=TOPSECRET"])
def test_a_key_in_the_address_is_a_mistake_and_is_not_shown(written, url):
    found = mistake(written(f'[probe.acme-login]\nurl = "{url}"\n'))
    assert ("key_env" in found, "TOPSECRET" in found) == (True, False)


@pytest.mark.parametrize("host", ["https://bot.example", "bot example", "bot:8787", ""])
def test_a_host_of_the_board_is_a_name_alone(written, host):
    assert mistake(written(f'[web]\nhosts = ["{host}"]\n')).startswith("brownout.toml:2: web.hosts.0: ")
