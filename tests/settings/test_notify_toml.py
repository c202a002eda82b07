"""[[notify]]: what each kind needs, and mistakes that are named without showing a secret."""

import pytest

from bot.domain import Advice, Condition, ToolUpdates
from bot.errors import ConfigError
from bot.settings import load

PD = '[[notify]]\nname = "oncall"\nkind = "pagerduty"\nkey_env = "PD_KEY"\n'
MAIL = '[[notify]]\nname = "mail"\nkind = "email"\nhost = "mail.acme.example"\nsender = "a@acme.example"\n'


def tools(folder, text):
    (folder / "brownout.toml").write_text(text, encoding="utf-8")
    return load(folder, {}).tools


def mistakes(folder, text):
    with pytest.raises(ConfigError) as caught:
        tools(folder, text)
    return " ".join(caught.value.mistakes)


def test_a_table_says_what_a_tool_gets(tmp_path):
    more = 'to = ["claude"]\nmin = "outage"\nadvice = ["hold_off"]\nupdates = "all"\n'
    [table] = tools(tmp_path, PD + more)
    target = table.target()
    assert (target.channel, target.to, target.minimum, target.advice, target.updates) == (
        "notify:oncall",
        ("claude",),
        Condition.MAJOR_OUTAGE,
        frozenset({Advice.HOLD_OFF}),
        ToolUpdates.ALL,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PD.replace("pagerduty", "pager"), "notify.0.kind"),
        (PD.replace('key_env = "PD_KEY"', ""), "needs key_env or key_file"),
        (PD + 'to = ["claud"]', "no provider or service 'claud'; did you mean 'claude'?"),
        (PD + PD, "another tool is called 'oncall' too"),
        (PD + 'url = "ftp://x"', "must be an address of the web"),
        (PD + 'secret_env = "S"', 'only kind = "webhook" is signed'),
        (PD + 'key_file = "/x"', "give one of key_env and key_file"),
        (PD.replace("PD_KEY", "not a name"), "name of an environment variable"),
        (MAIL, "needs recipients"),
        (MAIL + 'recipients = "ops"', "notify.0.recipients"),
        (MAIL + 'recipients = "o@x.y"\nuser = "u"', "user needs key_env or key_file"),
        (MAIL + 'recipients = "o@x.y"\nuser = "u"\nkey_env = "P"\nsecurity = "none"', "not sent in the clear"),
        ('[[notify]]\nname = "d"\nkind = "discord"', "needs url_env"),
        ('[[notify]]\nname = "w"\nkind = "webhook"', "needs url"),
    ],
)
def test_a_mistake_is_named(tmp_path, text, said):
    assert said in mistakes(tmp_path, text)


@pytest.mark.parametrize(
    "line",
    [
        'kind = "discord"\nurl = "https://discord.example/api/webhooks/1/hunter2"',
        'kind = "webhook"\nurl = "https://user:hunter2@hooks.example"',
        'kind = "webhook"\nurl = "https://hooks.example/?token=hunter2"',
        'kind = "pagerduty"\nkey_env = "hunter2-is-no-name"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(tmp_path, line):
    said = mistakes(tmp_path, f'[[notify]]\nname = "x"\n{line}\n')
    assert ("hunter2" in said, "no place for a secret" in said) == (False, True)


def test_a_private_address_is_the_operators_own_choice(tmp_path):
    [table] = tools(tmp_path, '[[notify]]\nname = "w"\nkind = "webhook"\nurl = "http://10.0.0.7/hook"\n')
    assert table.read_secrets({}).url == "http://10.0.0.7/hook"


def test_what_a_variable_holds_must_be_an_address(tmp_path):
    [table] = tools(tmp_path, '[[notify]]\nname = "d"\nkind = "discord"\nurl_env = "D"\n')
    with pytest.raises(ValueError, match="D holds no address of the web"):
        table.read_secrets({"D": "hunter2"})


@pytest.mark.parametrize("content", ["", "one\ntwo", b"\xff\xfe"])
def test_a_file_without_one_line_is_named(tmp_path, content):
    file = tmp_path / "key"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    [table] = tools(tmp_path, PD.replace('key_env = "PD_KEY"', f'key_file = "{file}"'))
    with pytest.raises(ValueError, match=str(file)):
        table.read_secrets({})
