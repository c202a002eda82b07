"""LiteLLM's own router with the gate's callback."""

import asyncio

import httpx
import pytest

litellm = pytest.importorskip("litellm", reason="litellm is not installed: it has seventy dependencies")

from brownout_gate.for_litellm import BrownoutRouting  # noqa: E402  (after the skip)

from tests.support.gate_answers import go, hold  # noqa: E402

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore")]

TOKEN = "t"  # noqa: S105  (made up)
CLAUDE = {"model_name": "m", "litellm_params": {"model": "anthropic/claude", "api_key": "k", "mock_response": "claude"}}
GPT = {"model_name": "m", "litellm_params": {"model": "openai/gpt", "api_key": "k", "mock_response": "gpt"}}
OWN = {"model_name": "m", "litellm_params": {"model": "openai/own", "api_key": "k", "api_base": "http://10.0.0.1/v1"}}


def bot(**answers):
    """An httpx transport of a bot; ``claude_api=hold()`` and so on, the others may be sent to."""

    def answer(request):
        service = request.url.path.split("/")[3].replace("-", "_")
        given = answers.get(service, go())
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)

    return httpx.MockTransport(answer)


async def used(models, routing):
    litellm.callbacks = [routing]
    router = litellm.Router(model_list=models, num_retries=0)
    answers = [await router.acompletion("m", [{"role": "user", "content": "hi"}]) for _ in range(12)]
    return {answer.choices[0].message.content for answer in answers}


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
async def one_loop():
    """All tests here share an event loop, since LiteLLM's queue of callbacks belongs to the first one."""


@pytest.fixture(autouse=True)
def no_callbacks():
    """LiteLLM keeps its own copies of the callbacks, and one instance of each class in them."""
    litellm.logging_callback_manager._reset_all_callbacks()
    yield
    litellm.logging_callback_manager._reset_all_callbacks()


async def test_every_model_is_used_where_all_works():
    assert await used([CLAUDE, GPT], BrownoutRouting(transport=bot())) == {"claude", "gpt"}


async def test_a_model_that_is_held_is_left_out():
    assert await used([CLAUDE, GPT], BrownoutRouting(transport=bot(claude_api=hold()))) == {"gpt"}


async def test_where_all_are_held_all_stay():
    routing = BrownoutRouting(transport=bot(claude_api=hold(), openai_api=hold()))
    assert await routing.async_filter_deployments("m", [CLAUDE, GPT], None) == [CLAUDE, GPT]


async def test_where_all_are_held_none_may_stay():
    routing = BrownoutRouting(transport=bot(claude_api=hold(), openai_api=hold()), on_all_held="closed")
    assert await routing.async_filter_deployments("m", [CLAUDE, GPT], None) == []


async def test_an_address_of_ones_own_is_not_the_vendors():
    routing = BrownoutRouting(transport=bot(openai_api=hold()))
    assert await routing.async_filter_deployments("m", [OWN, GPT], None) == [OWN]


async def test_outcomes_are_counted():
    """LiteLLM calls back from a queue of its own, some time later."""
    routing = BrownoutRouting(transport=bot(), token=TOKEN)
    await used([CLAUDE], routing)
    for _ in range(100):
        if routing._gates["claude-api"].outcomes._counts["ok"]:
            return
        await asyncio.sleep(0.1)
    pytest.fail("nothing was counted in ten seconds")


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (litellm.RateLimitError("x", "anthropic", "claude"), "429"),
        (litellm.Timeout("x", "claude", "anthropic"), "timeout"),
        (litellm.ServiceUnavailableError("x", "anthropic", "claude"), "503"),
        (OSError("x"), "connection"),
    ],
    ids=repr,
)
async def test_a_failure_is_counted_by_its_kind(error, counted):
    routing = BrownoutRouting(transport=bot(), token=TOKEN)
    params = {"custom_llm_provider": "anthropic", "api_base": ""}
    await routing.async_log_failure_event(
        {"model": "claude", "litellm_params": params, "exception": error}, None, None, None
    )
    assert routing._gates["claude-api"].outcomes._counts == {counted: 1}
