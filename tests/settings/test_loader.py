"""Settings: every mistake at once, each with its file and its line."""

import pytest

from bot.domain import Condition
from bot.errors import ConfigError
from bot.settings import config_dir, load
from tests.support.acme import ACME as ACME_OF_TESTS
from tests.support.acme import catalogue

MAIN = """\
# comment
[poll]
interval_s = 60

[verdict]
preset = "default"
"""
ACME = """\
id = "acme"
name = "Acme"

[source]
kind = "statuspage"
url = "https://status.acme.example"

[[surface]]
id = "acme-api"
name = "Acme API"
components = ["c-api"]

[[surface]]
id = "acme-web"
name = "acme.example"
instead = ["acme-api"]
"""


@pytest.fixture
def write(tmp_path):
    (tmp_path / "providers").mkdir()

    def files(main=MAIN, acme=ACME, **others):
        told = {"brownout.toml": main, "providers/acme.toml": acme} | {
            f"providers/{k}.toml": v for k, v in others.items()
        }
        for name, text in told.items():
            if text is not None:
                (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return files


def mistakes(folder):
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return [line.replace(f"{folder}/", "") for line in caught.value.mistakes]


def test_what_is_written_is_what_is_set(write):
    found = load(write())
    assert (found.poll.interval_s, [p.id for p in found.providers]) == (60, ["acme"])


def test_the_file_of_the_tests_acme_says_what_the_tests_take_it_for(tmp_path):
    assert load(catalogue(tmp_path)).providers == (ACME_OF_TESTS,)


def test_the_config_that_ships_has_no_mistake():
    assert {"claude", "github", "cloudflare", "openai"} <= {p.id for p in load(config_dir()).providers}


def test_every_key_of_the_main_file_has_a_default(write):
    assert load(write(main="")).poll.interval_s == 60


def test_a_folder_without_a_main_file_is_fine(write):
    assert load(write(main=None)).poll.interval_s == 60


def test_every_mistake_of_every_file_is_named_at_once(write):
    found = mistakes(
        write(
            main=MAIN.replace("interval_s = 60", "intervall_s = 60").replace('"default"', '"quick"'),
            acme=ACME.replace('kind = "statuspage"', 'kind = "statuspge"').replace('name = "Acme API"', ""),
            broken='id = "b"\nname = \n',
        )
    )
    assert [line.split(" ")[0] for line in found] == [
        "brownout.toml:3:",
        "brownout.toml:6:",
        "providers/acme.toml:5:",
        "providers/acme.toml:8:",
        "providers/broken.toml:2:",
    ]


@pytest.mark.hostile(55)
def test_an_unknown_key_is_named_with_its_line(write):
    found = mistakes(write(acme=ACME.replace('name = "Acme API"', 'name = "Acme API"\ncolour = "red"')))
    assert found == ["providers/acme.toml:11: unknown key 'surface.0.colour'; delete it or check its spelling"]


def test_an_unknown_key_of_a_later_surface_has_its_own_line(write):
    found = mistakes(write(acme=ACME + 'colour = "red"\n'))
    assert found == ["providers/acme.toml:17: unknown key 'surface.1.colour'; delete it or check its spelling"]


def test_an_unknown_table_is_named(write):
    assert mistakes(write(main="[pol]\ninterval_s = 1\n"))[0].startswith("brownout.toml:1: unknown key 'pol'")


def test_an_unknown_kind_of_source_names_the_known_ones(write):
    [found] = mistakes(write(acme=ACME.replace("statuspage", "statuspge", 1)))
    assert found.startswith("providers/acme.toml:5: source.kind: ")
    assert "reads statuspage" in found


def test_what_is_missing_is_named_with_its_table(write):
    found = mistakes(write(acme=ACME.replace('url = "https://status.acme.example"', "")))
    assert found == ["providers/acme.toml:4: 'source.url' is missing"]


@pytest.mark.parametrize("value", ["0", "-1", '"often"', "nan", "inf"])
def test_a_number_that_makes_no_sense_is_shown(write, value):
    [found] = mistakes(write(main=f"[poll]\ninterval_s = {value}\n"))
    assert found.startswith("brownout.toml:2: poll.interval_s: ")


@pytest.mark.parametrize("url", ["status.acme.example", "ftp://acme.example", "https://", ""])
def test_an_address_that_is_none_is_shown(write, url):
    [found] = mistakes(write(acme=ACME.replace("https://status.acme.example", url)))
    assert found.startswith("providers/acme.toml:6: source.url: must be the page's address")


def test_a_mistake_shows_what_stands_there_but_not_all_of_it(write):
    [found] = mistakes(write(acme=ACME.replace('"https://status.acme.example"', f'"{"x" * 5000}"')))
    assert len(found) < 300


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[poll\n", 1),
        ("a = 1\n\nb = \n", 3),
        ("a = 1\na = 2\n", 2),
        ('a = """\n', 1),
        ("a = 1\nb = [\n\n", 2),
        ("\ufeffa = 1", 1),
    ],
)
def test_broken_toml_has_its_line(write, text, line):
    [found] = mistakes(write(main=text))
    assert found.startswith(f"brownout.toml:{line}: not valid TOML: ")


@pytest.mark.hostile(55)
def test_bytes_that_are_no_text_are_named(write):
    [found] = mistakes(write(main=b"a = '\xff\xfe'"))
    assert found.startswith("brownout.toml:1: can't be read: ")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    [found] = mistakes(tmp_path / "nowhere")
    assert "directory not found" in found


def test_a_folder_without_providers_is_named(tmp_path):
    (tmp_path / "brownout.toml").write_text("[catalog]\nshipped = false\n")
    [found] = mistakes(tmp_path)
    assert found.startswith("providers: no provider files")


def test_an_id_that_is_used_twice_is_named_with_both_files_and_the_line(write):
    found = mistakes(write(other=ACME.replace('id = "acme"', 'id = "other"').replace("acme-web", "other-web")))
    assert found == [
        "providers/other.toml:9: the id 'acme-api' is already used in acme.toml; ids are unique over the catalogue"
    ]


def test_an_id_that_is_used_twice_in_one_file_is_named(write):
    [found] = mistakes(write(acme=ACME.replace('"acme-web"', '"acme-api"')))
    assert found.startswith("providers/acme.toml:14: the id 'acme-api' is already used in acme.toml")


@pytest.mark.parametrize("short", ["API", "api"])
def test_a_short_name_that_two_surfaces_share_is_named_with_its_line(write, short):
    named = ACME.replace('id = "acme-api"', 'id = "acme-api"\nshort = "API"')
    [found] = mistakes(write(acme=named.replace('id = "acme-web"', f'id = "acme-web"\nshort = "{short}"')))
    assert found.startswith(f"providers/acme.toml:16: the short name '{short}' of 'acme-web' is that of 'acme-api' too")


def test_two_surfaces_without_short_names_load_though_their_names_come_out_alike(write):
    lines = ACME.splitlines()
    names = [n for n, line in enumerate(lines) if line.startswith("name = ")]
    lines[names[-1]] = lines[names[-2]].replace("Acme ", "acme ")
    assert load(write(acme="\n".join(lines))).providers


def test_two_providers_may_use_the_same_short_name(write):
    other = ACME.replace('"acme', '"other').replace("Acme", "Other")
    assert len(load(write(other=other)).providers) == 2


@pytest.mark.parametrize("key", ["needs", "instead"])
def test_a_surface_that_nobody_has_is_named_with_its_line(write, key):
    [found] = mistakes(write(acme=ACME.replace('instead = ["acme-api"]', f'{key} = ["acme-ap"]')))
    assert found == f"providers/acme.toml:16: {key} names the surface 'acme-ap', which no provider file has"


def test_a_profile_that_nobody_has_is_named(write):
    [found] = mistakes(write(acme=ACME.replace('name = "Acme"\n', 'name = "Acme"\nprofile = "hasty"\n')))
    assert found.startswith("providers/acme.toml:3: no profile 'hasty' in verdict.toml; it has default")


def test_ids_are_written_as_they_are_typed_in_slack(write):
    [found] = mistakes(write(acme=ACME.replace('id = "acme-web"', 'id = "Acme Web"')))
    assert found.startswith("providers/acme.toml:14: surface.1.id: ")


def test_a_surface_of_a_broken_file_is_not_called_unknown(write):
    found = mistakes(write(acme=ACME.replace("acme-api", "other-api", 1), other='id = "other"\nname = '))
    assert [line.split(":")[0] for line in found] == ["providers/other.toml"]


@pytest.mark.parametrize(
    ("said", "owners"),
    [
        ('owner = "C1"\nadmins = ["U1"]', ("C1",)),
        ('owner = "U2"', ("U2",)),
        ('admins = ["U1", "U3"]', ("U1", "U3")),
        ("", ()),
    ],
)
def test_the_owner_is_who_is_named_and_else_the_admins(write, said, owners):
    assert load(write(main=f"[slack]\n{said}\n")).owners == owners


def test_an_owner_is_a_person_or_a_channel(write):
    assert "slack.owner" in mistakes(write(main='[slack]\nowner = "#ops"\n'))[0]


@pytest.mark.parametrize("url", ["file:///mnt/other/b", "s3://bucket/path", ""])
def test_a_replica_is_a_folder_or_a_bucket(write, url):
    assert load(write(f'[replica]\nurl = "{url}"\n')).replica.url == url


@pytest.mark.parametrize("url", ["/mnt/b", "file://mnt/b", "file:///", "s3://bucket", "s3:///b", "ftp://x/y", "b"])
def test_a_replica_anywhere_else_is_a_mistake(write, url):
    assert mistakes(write(f'[replica]\nurl = "{url}"\n')) == [
        f"brownout.toml:2: replica.url: must be file:///folder or s3://bucket/path (it is {url!r})"
    ]


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/b", "s3://key@bucket/b", "s3://bucket/b?secret=x"])
def test_credentials_of_a_replica_are_no_setting(write, url):
    [mistake] = mistakes(write(f'[replica]\nurl = "{url}"\n'))
    assert ("credentials come from the environment" in mistake, "secret" in mistake) == (True, False)


# --- [[subscribe]] ----------------------------------------------------------------------------------------------------

SUBSCRIBE = '[[subscribe]]\nchannel = "C0123"\nto = ["claude", "github-actions"]\nmin = "partial"\nmention = "S0123"\n'


def subscribed(folder, text):
    (folder / "brownout.toml").write_text(text, encoding="utf-8")
    return load(folder, {}).subscriptions


def test_a_table_subscribes_its_channel_to_each_target(tmp_path):
    assert [(s.channel, s.target, s.minimum, s.mention) for s in subscribed(tmp_path, SUBSCRIBE)] == [
        ("C0123", target, Condition.PARTIAL_OUTAGE, "!subteam^S0123") for target in ("claude", "github-actions")
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"claude"', '"claud"', "brownout.toml:3: no provider or service 'claud'; did you mean 'claude'?"),
        ('"C0123"', '"#ops"', "brownout.toml:2: subscribe.0.channel: it is no id; Slack shows a channel's id"),
        ('"partial"', '"some"', "brownout.toml:4: subscribe.0.min"),
        ('"github-actions"', '"claude"', "brownout.toml:3: C0123 has 'claude' twice"),
        ("channel =", "chanel =", "brownout.toml:2: unknown key"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_line(tmp_path, old, new, said):
    with pytest.raises(ConfigError) as caught:
        subscribed(tmp_path, SUBSCRIBE.replace(old, new))
    assert any(said in mistake for mistake in caught.value.mistakes), caught.value.mistakes


# --- [service.ID] -----------------------------------------------------------------------------------------------------

SERVICE = '[service.checkout]\nname = "Checkout"\nneeds = ["claude-api", "github-actions"]\nchannel = "C0PAY"\n'


def test_the_channel_of_an_own_service_is_subscribed_to_what_it_needs(tmp_path):
    assert [(s.channel, s.target) for s in subscribed(tmp_path, SERVICE)] == [
        ("C0PAY", "claude-api"),
        ("C0PAY", "github-actions"),
    ]


def test_an_own_service_without_a_channel_subscribes_nobody(tmp_path):
    assert subscribed(tmp_path, SERVICE.replace('channel = "C0PAY"\n', "")) == ()


def test_a_subscription_of_the_same_channel_and_target_has_its_own_terms(tmp_path):
    twice = SERVICE + '[[subscribe]]\nchannel = "C0PAY"\nto = ["claude-api"]\nmin = "outage"\n'
    assert [(s.target, s.minimum) for s in subscribed(tmp_path, twice)] == [
        ("claude-api", Condition.MAJOR_OUTAGE),
        ("github-actions", Condition.DEGRADED),
    ]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('"C0PAY"', '"#pay"', "service.checkout.channel: it is no id; Slack shows a channel's id"),
        ('"claude-api"', '"claude-apo"', "no service 'claude-apo'; did you mean 'claude-api'?"),
        ('["claude-api", "github-actions"]', "[]", "service.checkout.needs"),
        ("service.checkout", "service.claude-api", "the id 'claude-api' is that of a watched service or provider"),
        ("service.checkout", "service.Check_out", "service.Check_out"),
        ('name = "Checkout"', "nmae = 'x'", "nmae"),
    ],
)
def test_a_mistake_in_an_own_service_is_named_with_file_and_line(tmp_path, old, new, mistake):
    with pytest.raises(ConfigError) as refused:
        subscribed(tmp_path, SERVICE.replace(old, new))
    assert mistake in str(refused.value)
    assert "brownout.toml:" in str(refused.value)


@pytest.mark.parametrize("header", ["Host", "authorization", "X-Forwarded-For"])
def test_a_header_that_every_client_sends_names_no_authenticated_user(tmp_path, header):
    (tmp_path / "brownout.toml").write_text(f'[web]\ntrusted_user_header = "{header}"\n')
    with pytest.raises(ConfigError, match="name the header that your proxy sets"):
        load(tmp_path, {})
