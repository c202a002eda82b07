"""What [source] may say: a kind that this bot reads, with the options that it needs and no others."""

from datetime import UTC, datetime

import pytest

from bot.errors import ConfigError
from bot.settings import load

PROVIDER = """\
id = "acme"
name = "Acme"
{top}
[source]
url = "https://status.acme.example/"
{source}
[[surface]]
id = "acme-api"
name = "Acme API"
"""


@pytest.fixture
def read(tmp_path):
    def read(source, top=""):
        (tmp_path / "providers").mkdir(exist_ok=True)
        (tmp_path / "providers" / "acme.toml").write_text(PROVIDER.format(source=source, top=top))
        return load(tmp_path).provider("acme")

    return read


def refused(read, source):
    with pytest.raises(ConfigError) as caught:
        read(source)
    (mistake,) = caught.value.mistakes
    return mistake


def test_statuspage_is_what_nobody_names(read):
    assert read("").source.kind == "statuspage"


def test_a_kind_that_is_none_is_named_with_those_there_are(read):
    mistake = refused(read, 'kind = "statuspge"')
    assert "acme.toml:6:" in mistake
    assert "this bot reads statuspage, incidentio," in mistake


def test_a_filter_by_region_is_mandatory_where_its_kind_needs_it(read):
    assert "the kind aws needs regions" in refused(read, 'kind = "aws"')


def test_an_option_that_the_kind_does_not_take_is_a_mistake(read):
    assert "the kind heroku has no use for page and products" in refused(
        read, 'kind = "heroku"\npage = "x"\nproducts = ["y"]'
    )


def test_options_reach_the_source(read):
    source = read('kind = "aws"\nregions = ["us-east-1"]\nhome = "https://acme.example/"').source
    assert (source.regions, source.home, source.path) == (("us-east-1",), "https://acme.example", "")


@pytest.mark.parametrize("path", ["feed.xml", "/a b", "https://other.example/x"])
def test_a_path_begins_with_a_slash_and_has_no_blanks(read, path):
    assert "source.path" in refused(read, f'kind = "feed"\npath = "{path}"')


def test_a_provider_is_verified_until_its_file_says_otherwise(read):
    assert (read("").verified, read("", top="verified = false").verified) == (True, False)


def test_an_address_that_somebody_typed_is_marked_as_one(read):
    assert (read("").source.public, read("public = true").source.public) == (False, True)


@pytest.mark.parametrize(("name", "short"), [("Acme API", "API"), ("ACME: batch", "ACME: batch"), ("Files", "Files")])
def test_a_service_without_a_short_name_gets_its_name_without_the_providers(tmp_path, name, short):
    (tmp_path / "providers").mkdir()
    text = PROVIDER.format(source="", top="").replace('"Acme API"', f'"{name}"')
    (tmp_path / "providers" / "acme.toml").write_text(text)
    [surface] = load(tmp_path).provider("acme").surfaces
    assert surface.short_name == short


def test_what_to_do_is_one_text_or_one_for_each_advice(read, tmp_path):
    read("")
    file = tmp_path / "providers" / "acme.toml"
    file.write_text(file.read_text() + 'people = "Wait."\nprograms = { hold = "Queue.", slow = "One by one." }\n')
    [surface] = load(tmp_path).provider("acme").surfaces
    assert (surface.people, surface.people_slow) == ("Wait.", "")
    assert (surface.programs, surface.programs_slow) == ("Queue.", "One by one.")


def surface_with(read, tmp_path, text):
    read("")
    file = tmp_path / "providers" / "acme.toml"
    file.write_text(file.read_text() + text)
    [surface] = load(tmp_path).provider("acme").surfaces
    return surface


def test_a_service_may_say_when_it_began_and_ended(read, tmp_path):
    surface = surface_with(read, tmp_path, "since = 2026-04-01\nuntil = 2026-06-01\n")
    assert (surface.since, surface.until) == (datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))


def test_a_day_may_be_written_as_a_text(read, tmp_path):
    assert surface_with(read, tmp_path, 'since = "2026-04-01"\n').since == datetime(2026, 4, 1, tzinfo=UTC)


def test_a_service_that_ended_before_it_began_is_an_error(read, tmp_path):
    with pytest.raises(ConfigError, match="must be before until"):
        surface_with(read, tmp_path, "since = 2026-04-01\nuntil = 2026-04-01\n")
