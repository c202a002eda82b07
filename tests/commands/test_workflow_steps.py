"""*Declare that this hits us* in a workflow: from the step's inputs to the incident's link, with a Slack on loopback."""

from functools import partial

import pytest

from bot.adapters.slack_client import SlackClient, TokenInfo
from bot.app.workflow_steps import LINK_TIMEOUT, StepRequest, WorkflowStepRunner
from bot.commands.workflow_steps import declare_for_step, read_severity
from bot.domain import DeclaredSeverity, StepKind
from bot.errors import UsageError
from tests.support.declared import Team
from tests.support.loopback import serving_app
from tests.support.workflow_slack import FakeWorkflows

pytestmark = pytest.mark.anyio

INPUTS = {"service": "acme-api", "title": "Checkout fails", "severity": "sev1", "channel": "C1", "person": "U1"}


class Workflow:
    """A team whose workflow declares incidents."""

    def __init__(self, team, slack, url):
        self.team, self.slack = team, slack
        client = SlackClient("xoxb-ours", base_url=f"{url}/api/", timeout_s=5)
        client.set_identity(TokenInfo(home="https://acme.slack.com/"))
        queries = team.queries
        self.runner = WorkflowStepRunner(queries, client, declare=partial(declare_for_step, queries))

    async def starts(self, execution="Fx1", **inputs):
        self.slack.running.add(execution)
        await self.runner.begin(StepRequest(str(StepKind.DECLARE), execution, INPUTS | inputs))

    def declared(self):
        return self.team.scenario.repository.declared.open_incidents()


@pytest.fixture
async def workflow(scenario):
    """Acme's API has been down since 11:10; it is 11:15."""
    slack = FakeWorkflows()
    async with serving_app(*slack.routes()) as url:
        yield Workflow(Team(scenario.breaks()), slack, url)


async def test_a_step_declares_the_services_incident_and_ends_with_its_link(workflow):
    await workflow.starts()
    await workflow.team.delivers()
    await workflow.runner.turn()
    [incident] = workflow.declared()
    assert (incident.title, incident.severity, incident.origin, incident.incidents) == (
        *("Checkout fails", DeclaredSeverity.SEV1, "C1"),
        ("i-1",),
    )
    ts = workflow.team.scenario.repository.declared.message_ts("C1", incident.key)
    assert workflow.slack.ended["Fx1"] == {
        "number": 1,
        "title": "Checkout fails",
        "severity": "SEV1",
        "link": f"https://acme.slack.com/archives/C1/p{ts.replace('.', '')}",
        "text": "Incident 1 is declared (SEV1): Checkout fails",
    }


async def test_it_waits_for_the_incidents_message(workflow):
    await workflow.starts()
    await workflow.runner.turn()
    assert workflow.slack.ended == {}


async def test_a_message_that_is_not_posted_in_time_leaves_the_link_out(workflow):
    await workflow.starts()
    workflow.team.scenario.minute += LINK_TIMEOUT.total_seconds() / 60
    await workflow.runner.turn()
    assert "link" not in workflow.slack.ended["Fx1"]


async def test_an_event_that_comes_again_declares_nothing_new(workflow):
    for _ in range(2):
        await workflow.starts()
    assert [incident.number for incident in workflow.declared()] == [1]


async def test_a_second_workflow_gets_the_incident_that_is_declared(workflow):
    for execution in ("Fx1", "Fx2"):
        await workflow.starts(execution)
    await workflow.team.delivers()
    await workflow.runner.turn()
    assert [workflow.slack.ended[e]["number"] for e in ("Fx1", "Fx2")] == [1, 1]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"title": " "}, "Say in a few words what is wrong for you."),
        ({"severity": "huge"}, "The severity is sev1, sev2 or sev3, not “huge”."),
        ({"channel": None}, "Choose the channel in which your incident is handled."),
        ({"service": "acme-apo"}, "No service called “acme-apo”. Closest: `acme-api`."),
    ],
    ids=["title", "severity", "channel", "service"],
)
async def test_a_wrong_input_fails_the_step_with_what_to_do(workflow, inputs, says):
    await workflow.starts(**inputs)
    await workflow.runner.turn()
    assert workflow.slack.ended["Fx1"].startswith(says)
    assert workflow.declared() == ()


@pytest.mark.parametrize(("typed", "severity"), [("", "sev2"), ("SEV 1", "sev1"), ("3", "sev3")])
def test_a_severity_is_read(typed, severity):
    assert read_severity(typed) == severity


def test_another_severity_is_refused():
    with pytest.raises(UsageError, match="sev1, sev2 or sev3"):
        read_severity("0")
