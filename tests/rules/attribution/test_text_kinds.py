"""Sentences by kind: which surfaces each calls affected, and which it calls working. All are in our own words.

A surface that a sentence only names counts as affected; one in neither column is one that the sentence says nothing of.
"""

import pytest

from bot import settings
from bot.rules.attribution.phrases import Assertion
from bot.rules.attribution.text import read_text

CATALOGUE = {p.id: p for p in settings.load().providers}

# sentence | affected | working; ids without the provider's prefix
INVERTED = """
We are continuing to work on a fix for the Claude API. | api |
We continue to work to bring the console back. | console |
Our engineers continue to work on the login. | login |
The team is continuing to work with our cloud provider on Claude Code. | code |
Engineers keep working hard on the API. | api |
We are still working through the console problems. | console |
The API is no longer operating normally. | api |
The console is no longer available. | console |
Claude Code no longer works as expected. | code |
The API is not operating as intended. | api |
claude.ai is not behaving as expected. | web |
The console is not functional. | console |
Claude Code is not responsive. | code |
The API is not up. | api |
The API stopped responding. | api |
claude.ai has stopped working. | web |
The console was previously unaffected and is now seeing errors. | console |
Claude Code, which was unaffected earlier, is now failing. | code |
The API was operating normally until 10:05. | api |
The API had been available until a minute ago. | api |
We initially thought that the API was unaffected. | api |
We no longer believe the API is unaffected. | api |
We cannot confirm that the console is operational. | console |
It is not true that the API is unaffected. | api |
It is unclear whether the API is unaffected. | api |
We wrongly reported that the console was unaffected. | console |
Users are not seeing their conversations on claude.ai. | web |
Customers do not see their usage in the console. | console |
Users are no longer seeing their projects on claude.ai. | web |
The console does not show any usage. | console |
Customers are not receiving responses from the API. | api |
The console was not intended to be available to these accounts. | console |
The API is only partially operational. | api |
claude.ai is barely usable. | web |
Claude Code is partially available. | code |
The API is not yet stable. | api |
The API has not fully recovered. | api |
The console is not yet restored. | console |
claude.ai has yet to recover. | web |
The problem is not resolved on the API. | api |
There is no access to the console. | console |
There is no response from the API. | api |
We have not found what causes the API errors. | api |
We do not yet know the cause of the API errors. | api |
We have not yet fixed all affected API endpoints. | api |
Users of claude.ai do not see this data. | web |
We will post again once the API is operational. | api |
We expect the console to be available again within the hour. | console |
The API should be available again shortly. | api |
The console will be operational soon. | console |
We are checking whether the API is healthy. | api |
We are working to make the API available again. | api |
We watch the API to ensure it remains available. | api |
We hope that the console is back up soon. | console |
We are verifying that Claude Code is operating normally. | code |
If the API is operational for an hour, we will close this. | api |
The API is up, but slow. | api |
The console is operational, however with elevated latency. | console |
claude.ai has recovered, but requests still fail at times. | web |
Claude Code is available again, though error rates remain elevated. | code |
The console is restored and we are working to restore the API. | api | console
"""

PART_SPARED = """
The API for EU customers is unaffected. | |
The API is unaffected in Europe. | |
The API is operating normally for most users. | |
The API is operational for Enterprise customers. | |
The console is available in other regions. | |
claude.ai is working normally for paid accounts. | |
Haiku on the API is not affected. | |
Most API requests are succeeding and the API is unaffected for some customers. | |
Existing Claude Code sessions are not affected. | |
Other console features are not affected. | |
The files API is not affected. | |
SSO is not affected. | |
The Android app is not affected. | |
The iOS app is working as expected. | |
Magic links are unaffected. | |
The API is up for existing sessions. | |
The API is unaffected except for batch requests. | |
claude.ai is operating normally apart from file uploads. | |
Parts of the console are operational. | |
A subset of the API is unaffected. | |
The API has recovered for most customers. | api |
The console has recovered in Europe. | console |
Claude Code is back to normal for Enterprise users. | code |
Some API endpoints have recovered. | api |
The files API has recovered. | api |
"""

GITHUB_PARTS = """
Self-hosted runners are not impacted. | |
Other labels and self-hosted runners are not impacted. | |
SSH connections to Codespaces are not impacted. | |
Other Git operations are not impacted. | |
Pushing over SSH is unaffected. | |
Container registry pulls are not affected. | |
GraphQL is operating normally. | |
Copilot Chat is not affected. | |
Merge queues are not affected. | |
Webhook deliveries for Actions are not affected. | |
Git operations over SSH are unaffected. | |
Larger runners have recovered. | actions |
Git operations over HTTPS have recovered. | git |
Actions is operating normally. | | actions
Access to Codespaces is not affected. | | codespaces
Git operations are not impacted. | | git
Pull requests, Issues and Webhooks are operating normally. | | pulls issues webhooks
"""

OTHER_DIRECTION = """
Elevated errors on claude.ai (API not impacted) | web | api
Elevated errors on claude.ai (no API impact) | web | api
Errors on Opus 4.6 in the console (the API is fine) | console | api
Slow responses on claude.ai (the API and the console are not affected) | web | api console
The trouble did not include the console or the API. | | console api
This does not include the API. | | api
This incident does not involve the console. | | console
The problem does not extend to the API. | | api
The fault does not reach the console. | | console
The outage does not apply to the API. | | api
Neither the API nor the console is affected. | | api console
Neither the console nor Claude Code has seen errors. | | console code
The outage affects neither the API nor the console. | | api console
Neither the API nor the console is available. | api console |
Neither claude.ai nor the API works as expected. | web api |
No API requests are failing. | | api
None of the API endpoints are affected. | | api
The API does not appear to be affected. | | api
The console does not seem to be impacted. | | console
The API is not believed to be affected. | | api
The API is excluded from this. | | api
The API is exempt from the outage. | | api
The API is unrelated to this incident. | | api
We have ruled out the API. | | api
There is no evidence that the API is affected. | | api
We have no indication that the console is impacted. | | console
We have no reports of errors on the API. | | api
We have not seen any errors on the API. | | api
We do not believe the API is affected. | | api
At no point was the API down. | | api
Errors on claude.ai without impact on the API. | web | api
Nothing is wrong with the API. | | api
The API is free of errors. | | api
The API was never affected. | | api
The API will not be affected. | | api
The API is not part of this incident. | | api
The API is not seeing this. | | api
The console is not experiencing any issues. | | console
All services except the API are down. | | api
The API can still be used. | | api
The API cannot be reached and neither can the console. | api console |
"""

OWNED_API = """
The webhooks API returns errors. | webhooks |
Actions REST API requests are failing. | actions |
Elevated error rate on the Copilot API | copilot |
Packages APIs are slow. | packages |
Requests to the Issues search API time out. | issues |
The Codespaces API is unavailable. | codespaces |
Pull Requests and Issues APIs are degraded. | pulls issues |
The API for webhooks is failing. | webhooks |
API endpoints for Codespaces are slow. | codespaces |
The GitHub API is failing. | api |
REST API requests are failing. | api |
The GraphQL API is degraded. | api |
The API is slow. | api |
Packages, API Requests and Actions are degraded. | packages api actions |
Incident with API Requests and Webhooks | api webhooks |
Incident with Actions, API Requests and Pages | actions api pages |
Errors when viewing Issues and calling the API | issues api |
The Copilot API is not affected. | |
The webhooks API has recovered. | webhooks |
"""

OWNED_BY_PROVIDER = """
The claude.ai API is slow. | web |
The Claude Code API is failing. | code |
The Claude API is failing. | api |
The Anthropic API is failing. | api |
The Opus 4.6 API is slow. | api |
The console and API are down. | console api |
The console, API and login are down. | console api login |
API authentication errors | api |
"""

BOILERPLATE = """
You can subscribe to these notices via the console. | |
You can now subscribe to updates in the console. | |
Subscribe to notifications through the console. | |
For more information visit claude.ai. | |
Follow us for updates on the console. | |
Please contact support through the console. | |
If you need help, reach out via the console. | |
You can open a ticket in the console. | |
Learn more at claude.ai. | |
See our post on the console. | |
Track the progress in the console. | |
Thank you for using the console. | |
As a workaround, use the API. | |
You can use the API instead. | |
claude.ai is down. Subscribe to updates in the console. | web |
claude.ai is down, please use the API in the meantime. | web |
Users are unable to subscribe to plans via the console. | console |
Customers cannot open a ticket in the console. | console |
claude.ai is down due to a change in the console. | web |
"""

CONTROLS = """
The API is down. | api |
The API is unavailable. | api |
API requests are failing. | api |
Elevated errors on claude.ai, the console and the API | web console api |
Users are unable to log in. | login |
We are working on the API. | api |
Some API methods are not working. | api |
The API is not fully operational. | api |
The API is not available. | api |
The API should recover soon. | api |
We see the first signs of recovery on the API. | api |
The API is not affected. | | api
The API is unaffected. | | api
The API is working as intended. | | api
The API remains available. | | api
The API remains operational. | | api
The API continues to work. | | api
The API continues to operate normally. | | api
API requests continue to be processed normally. | | api
There is no impact on the API. | | api
The API and the console are operating normally. | | api console
The console is down, but the API is up. | console | api
claude.ai is unavailable; the API should still work. | web | api
We have confirmed that the API is operational. | | api
We can confirm that the API is not affected. | | api
Access to the API is unaffected. | | api
Requests to the API are not affected. | | api
The API is fully operational for all users. | | api
The API is operational in all regions. | | api
The API has recovered. | | api
The API has recovered for everyone. | | api
The API is back to normal. | | api
The API is working again. | | api
The issues on the API have been resolved. | | api
We are no longer seeing errors on the API. | | api
The API is no longer affected. | | api
The API is available, but we are investigating the console. | console | api
This is not limited to the API. | api |
Not only the API is failing. | api |
claude.ai is down while the API is unaffected. | web | api
The login is failing, and not the API. | login | api
"""

KINDS = {
    "inverted": ("claude", INVERTED),
    "part spared": ("claude", PART_SPARED),
    "part of github spared": ("github", GITHUB_PARTS),
    "spared, in words of trouble": ("claude", OTHER_DIRECTION),
    "an api that belongs to something": ("github", OWNED_API),
    "an api that belongs to the vendor": ("claude", OWNED_BY_PROVIDER),
    "boilerplate": ("claude", BOILERPLATE),
    "as it was": ("claude", CONTROLS),
}


def rows():
    for kind, (provider, table) in KINDS.items():
        for line in filter(None, table.splitlines()):
            text, affected, working = (cell.strip() for cell in line.split("|"))
            yield pytest.param(provider, text, affected.split(), working.split(), id=f"{kind}: {text}")


@pytest.mark.parametrize(("provider", "text", "affected", "working"), list(rows()))
def test_a_sentence_says_of_each_surface_what_it_says(provider, text, affected, working):
    mentions = [m for m in read_text(text, CATALOGUE[provider]).mentions if not m.implied]
    hit = {m.surface for m in mentions if m.assertion.is_affected}
    fine = {m.surface for m in mentions if m.assertion in (Assertion.SPARED, Assertion.RECOVERED)} - hit
    assert (hit, fine) == ({f"{provider}-{s}" for s in affected}, {f"{provider}-{s}" for s in working})


def test_the_table_has_sentences_enough():
    assert len(list(rows())) >= 150
