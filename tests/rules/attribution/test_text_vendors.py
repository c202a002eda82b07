"""Sentences as four vendors write them: which surfaces each calls affected, and which working. All are in our own words.

Ids are without the provider's prefix. A surface that only a feature or a model points to counts where none is named.
"""

import pytest

from bot import settings
from bot.rules.attribution.phrases import Assertion
from bot.rules.attribution.text import read_text

CATALOGUE = {p.id: p for p in settings.load().providers}

# sentence | affected | working
SENTENCES = {
    "github": """
Packages accessed from Actions fail to download. | packages |
Downloads of Packages from within Actions are failing. | packages |
Codespaces users see errors on API calls. | codespaces |
Copilot customers get errors from API requests. | copilot |
Copilot pull request summaries fail. | copilot |
Copilot code review is slow. | copilot |
Issues enabling hosted runners | actions |
Issues affecting Codespaces in Europe | codespaces |
Issues viewing pull requests | pulls |
Issues with Packages | packages |
Issues are not loading for some customers. | issues |
Issues and Pull Requests are slow. | issues pulls |
Issues loading Pages sites | pages |
We saw errors from an upstream provider's API, which slowed Copilot. | copilot |
Copilot is degraded as a third-party API returns errors. | copilot |
An internal API of Actions was overloaded. | actions |
The Kubernetes API of our cluster was slow, so Codespaces could not start. | codespaces |
Requests to the Actions REST API and the webhooks API time out. | actions webhooks |
REST API requests for Packages fail with 500 errors. | packages |
The REST API endpoint that lists pull requests is slow. | pulls |
API calls to Codespaces time out. | codespaces |
Both web and API requests to Issues fail. | issues |
Copilot is slow; other features, such as Actions and Pages, are unaffected. | copilot | actions pages
Actions is degraded. Pages, Packages and Codespaces are not impacted at this time. | actions | pages packages codespaces
Actions is degraded; no other services, including Pages, are affected. | actions | pages
Claude Opus in Copilot is unavailable; all other models are working as expected. | copilot |
The GPT-5 model in Copilot Chat is degraded because of its upstream provider. | copilot |
We are seeing recovery in Actions and continue to monitor Pages. | actions pages |
Webhooks delivery is delayed by up to ten minutes, no deliveries are lost. | webhooks |
No data was lost, and Git operations were available throughout. | | git
Git operations remained available while Issues failed. | issues | git
Pull requests that were opened by Actions are missing. | pulls actions |
Users could not see checks on pull requests, while the checks themselves were fine. | pulls |
Retrying failed workflow runs should now succeed. | actions |
Please re-run failed Actions jobs. | |
Codespaces in West Europe and Southeast Asia are failing to start; other regions are healthy. | codespaces |
Actions jobs on larger runners with private networking in East US are delayed. | actions |
Actions is experiencing degraded performance. | actions |
Actions is operating normally, Pages is experiencing degraded availability. | pages | actions
Some customers may not be able to clone over SSH. | git |
Customers may see 404 pages in pull requests. | pulls |
Users may see a unicorn page when opening Issues. | issues |
We have paused Pages deployments to protect Actions. | pages |
We are not seeing any impact to Git operations or webhooks. | | git webhooks
Impact is limited to Copilot; the rest of GitHub is unaffected. | copilot |
This incident is only impacting GraphQL queries. | api |
Actions runs triggered by webhooks are delayed. | actions |
Deployments to Pages through Actions are failing. | pages |
We believe the impact to Issues has ended, and are still looking at Pages. | pages | issues
Notifications for Issues are delayed. | issues |
Issues search results are stale. | issues |
Email notifications are delayed. | |
Dependabot updates are not being created. | |
We're aware that Actions isn't the only service affected; Pages is slow as well. | actions pages |
Actions has recovered in all regions but Codespaces has not. | codespaces | actions
Codespaces hasn't recovered yet. | codespaces |
Nothing but Copilot is affected. | copilot |
No services other than Copilot are affected. | copilot |
Packages was briefly affected and is now healthy. | | packages
Pages was never down, only slow. | pages |
We have no reason to believe Git operations are affected. | | git
Git operations should not be affected. | | git
We do not anticipate any impact on webhooks. | | webhooks
Webhooks are unlikely to be affected. | | webhooks
It is not only Pages that is affected. | pages |
Actions, which had recovered, is degraded again. | actions |
Pages looked healthy, but is failing again. | pages |
After an hour without errors, Codespaces is failing again. | codespaces |
Issues are back, albeit slowly. | issues |
Pull requests work, but merging them does not. | pulls |
Monitoring: Actions queue times keep falling. | actions |
We are monitoring Codespaces after the fix. | codespaces |
We are monitoring the recovery of Packages and will post when it is complete. | packages |
Error rates for Actions are trending down. | actions |
Actions is nearly back to normal. | actions |
Actions is mostly operational. | actions |
95 % of Actions jobs are succeeding. | actions |
We have recovered most of Codespaces; East US and West Europe remain degraded. | codespaces |
Codespaces in East US, West US 2, North Europe and Southeast Asia fail to start. | codespaces |
Impact is limited to customers in the EU region of Actions. | actions |
Enterprise customers with data residency in Germany cannot use Actions. | actions |
Data residency customers are not affected by the Actions delays. | actions |
Runners in the West US region are unaffected. | |
macOS runners are unaffected, Ubuntu runners of Actions are delayed. | actions |
Between 14:05 and 15:20 UTC, up to 40 % of Actions runs on standard Linux runners started more than 5 minutes late. | actions |
Customers outside of the EU are not affected by the slow Codespaces starts. | codespaces |
Starting with the Pages deployments at 10:05, we saw a rise of 503 answers. | pages |
Nobody could merge pull requests for ten minutes. | pulls |
Merging works again, comments on pull requests do not. | pulls |
We are rolling back the release that slowed Issues down. | issues |
Copilot answers with Opus 4.5 fail for Business customers, other models answer. | copilot |
Git reads over HTTPS are fine, pushes are rejected. | |
Git reads are fine while pushes are rejected. | git |
Secret scanning alerts may come late; pushing code is not blocked. | |
The API rate limit was set too low for some apps. | api |
Webhooks: deliveries to customers in Asia are late. | webhooks |
Actions and Packages: normal. Pages: degraded. | pages | actions packages
Services affected: Actions, Pages. Services not affected: Git, Webhooks. | actions pages | webhooks
Impacted: Codespaces (all regions), Copilot (chat only) | codespaces copilot |
Not impacted: API, Git operations | | api git
Status: Actions - recovered; Packages - still failing | packages | actions
The incident has nothing to do with Actions. | | actions
Actions has not been impacted so far, and we do not expect it to be. | | actions
Some jobs in Actions might still be stuck, new ones run normally. | actions |
We restored the webhook backlog; new deliveries were never late. | webhooks |
Recovery of Codespaces is complete except in Southeast Asia. | codespaces |
Full recovery of Actions is expected by 18:00 UTC. | actions |
Codespaces were restored at 12:10 but went down again at 12:40. | codespaces |
As before, Pages is slow; nothing else is affected. | pages |
Neither Actions nor Pages has fully recovered. | actions pages |
None of the Codespaces in Australia are starting. | codespaces |
No new Codespaces can be created. | codespaces |
No Actions jobs were lost, but most started late. | |
Without Actions caches, builds take longer. | actions |
We are seeing increased latency on Copilot Chat with the Claude Sonnet 4.5 model. Other models are available. | copilot |
Some Actions customers may see delays when using the larger runner pools; standard runners are not affected. | actions |
On 3 February, between 14:00 and 15:30, Pages builds failed as the Actions job that they run on could not start. | pages actions |
We saw errors for unauthenticated requests to raw file downloads and to Packages. Signed-in users were not affected. | git packages |
Webhook deliveries and Actions that start from them are late by five minutes. | webhooks actions |
Updates to Projects boards are late. | issues |
Pulls from the container registry in Actions workflows may time out. | packages |
Copilot code review comments on pull requests are late. | copilot |
The API for merging fails. | pulls |
Codespaces in the browser do not start. | codespaces |
Errors in Actions and in Pages | actions pages |
Issues in Codespaces and Actions | codespaces actions |
""",
    "cloudflare": """
These issues do not affect the serving of cached files via the Cloudflare CDN or other security features at the Cloudflare Edge. | | cdn
Customers using the Dashboard or the Cloudflare APIs see failed requests. | dashboard api |
The problem does not affect the delivery of cached files by the CDN. | | cdn
Existing Workers keep serving traffic; only new deployments are failing. | workers |
R2 reads are unaffected, writes are failing. | |
Traffic through Ashburn is slow, and other data centers are fine. | |
The dashboard shows no analytics; traffic itself is not affected. | dashboard |
Analytics in the dashboard are delayed. This does not affect Workers or Pages. | dashboard | workers pages
Users of WARP in Europe and Asia see timeouts. Other regions are normal. | access |
DNS resolution is not affected, but changes to records are delayed. | |
No impact to Access or Gateway is expected. | | access
Workers KV and Durable Objects have recovered. Queues are still delayed. | workers |
Neither DNS nor the CDN has been affected so far. | | dns cdn
Access is denied for some pages. | |
Access to the dashboard is degraded. | dashboard |
Access to R2 buckets fails. | r2 |
We have disabled Turnstile challenges as a precaution. | turnstile |
You can follow this in the dashboard. | |
Stream playback works, uploads to Stream do not. | stream |
Pages builds queue for up to an hour; published sites are served as usual. | pages |
Terraform users see errors from the API. | api |
API and Terraform are slow; changes that were made are kept. | api |
Customers who log in to the dashboard by SSO are affected. | login |
We are seeing packet loss in FRA, AMS and LHR. | |
Workers in Frankfurt and London are failing; all other locations serve Workers normally. | workers |
Workers AI in North America is unavailable, Workers in other regions are unaffected. | workers |
R2 in Eastern North America is degraded, with other jurisdictions operating as expected. | r2 |
Zero Trust users in Asia may be unable to connect by WARP. | access |
The fix is live everywhere but Stream in Oceania. | stream |
Gateway timeouts when reaching R2 | r2 |
DNS, the CDN and Workers were not part of this incident. | | dns cdn workers
While DNS is unaffected, the dashboard can't load zones. | dashboard | dns
Requests that bypass the cache are unaffected. | |
Customers need not change anything in the dashboard. | |
Changes made in the dashboard or by the API are not applied. | dashboard api |
No customer action in the dashboard is needed. | |
We expect no further impact to R2. | | r2
The R2 impact is over. | | r2
Customers in the Middle East may reach R2 slowly. No other region or product is affected. | r2 |
The issue is confined to Workers in Singapore, Tokyo and Osaka. | workers |
Traffic has been rerouted from Warsaw, so users there see a higher latency to R2 and Workers. | r2 workers |
Errors on Pages have dropped from 12 % to 0.3 %, not yet to zero. | pages |
Workers and KV are stable; D1 has residual errors. | workers |
Monitoring: since 10:05 DNS answers as it should. | | dns
We keep monitoring Gateway, which answers normally since 10:05. | | access
WARP connects, yet pages behind Access do not open. | access |
Dashboard logins work, the dashboard itself is slow. | dashboard login |
Some users can't view analytics in the dashboard, proxied traffic flows normally. | dashboard |
Certificates for SaaS are issued late; sites that have one are not affected. | |
An attack on one customer does not affect others. | |
It is safe to deploy Workers again. | | workers
Deploying Workers is not safe yet. | workers |
We are looking into trouble with the Dashboard and related APIs. Customers of the Dashboard or the Cloudflare APIs may see failed requests. Cached files and security features at the edge are not affected. | dashboard api |
API Shield sequence rules are not saved. | |
Messages waited in our internal queues for an hour. | |
Queues deliver messages late. | workers |
Customers' own workflows are not affected by this. | |
We will be performing scheduled maintenance in DFW; traffic might be rerouted, hence a slight increase in latency. | |
Email Routing delays. Workers that send mail are affected too. | workers |
Logpush jobs for Gateway, DNS and HTTP are late. The products themselves are not affected. | access dns |
Some R2 buckets in Western Europe return 500 errors, reads from cache work. | r2 |
Turnstile widgets did not load; sites without them were not affected. | turnstile |
Elevated 5xx errors in Hong Kong | cdn |
Users may get HTTP 5xx errors from sites that use the WAF. | cdn |
DNS: increased SERVFAIL answers from 1.1.1.1 in Brazil | dns |
WARP and Gateway users in India can't resolve names | access |
Workers in the dashboard can't be edited. | workers dashboard |
R2 via the API is slow. | r2 |
""",
    "claude": """
The API is back with no errors. | | api
claude.ai works again and the API does not. | api | web
claude.ai fails, the API does not. | web | api
claude.ai has recovered, the API has not. | api | web
The API has recovered and stays stable. | | api
The API is operational, and has been for an hour. | | api
claude.ai recovered at 10:05 and the API at 10:20. | | web api
The API works again, please retry. | | api
The API has been fully restored for everyone. | | api
Elevated errors on Opus 4.5 across claude.ai, the API and Claude Code. | web api code |
Errors on Sonnet 4.5; Haiku and Opus are unaffected. | web api code console cowork |
claude.ai is back, the API still sees errors. | api | web
claude.ai and the console have recovered; we continue to see errors on the API. | api | web console
The API is stable, claude.ai remains degraded. | web | api
All systems except claude.ai are operating normally. | web |
Apart from the console everything is operational. | console |
Only the console is affected. | console |
The API remains unaffected at this time, but users of claude.ai cannot start chats. | web | api
We rolled back a change to the API that broke Claude Code. | code |
A bug in Claude Code 2.1 makes it crash at start; the API is not at fault. | code | api
Requests routed through Bedrock are not affected. | |
Customers on Bedrock and Vertex AI were unaffected. | |
The API has been operational since 10:05, claude.ai since 10:20. | api web |
We don't expect any impact to the API. | | api
There may be brief errors on the API while we restart it. | api |
It's not just claude.ai: the API is failing as well. | web api |
Not all API requests fail. | api |
Not every user of claude.ai is affected. | web |
This affected claude.ai but not the API. | web | api
This did not only affect claude.ai, but also the API. | web api |
The errors have stopped on claude.ai. | | web
Error rates on the API are back to baseline. | | api
Success rates on the API have returned to normal. | | api
The API went down at 10:05 and came back at 10:20. | | api
claude.ai, which relies on the login, is down. | web |
Logging in works, but claude.ai is slow. | web |
You may be asked to log in again. | |
Users who are already logged in are not affected. | |
The mobile apps are affected too, unlike the desktop app. | mobile | desktop
Unlike the console, the API is failing. | api | console
We've implemented a fix for claude.ai, but the API needs more time. | web api |
Today's errors on the API are not related to those on claude.ai yesterday. | api |
Claude Code was not spared. | code |
The API is anything but stable. | api |
Far from being resolved, the API errors are rising. | api |
The API is hardly affected. | api |
The API was thought to be down; it was not. | api |
We were wrong to say that claude.ai is fine. | web |
claude.ai would be unaffected by this. | web |
If the API fails again, we will roll back. | api |
The API doesn't currently have any known problems. | | api
All clear for the console, not for claude.ai. | web | console
Everything is operational again except Claude Code on the web. | code |
Free users cannot use claude.ai, paid users can. | web |
Users in Europe, the Middle East and Africa cannot reach claude.ai. | web |
This does not affect the API, the console, Claude Code, or claude.ai users outside of the US. | |
The console does not list invoices, the API itself works. | api console |
Claude Code sessions started before 10:00 keep failing; new ones work. | code |
The API had elevated errors for Opus; all other models, and claude.ai, were unaffected. | api |
Users may notice slower answers on claude.ai. The quality of answers is unaffected. | web |
All errors were on Haiku, the other models were fine. | web api code console cowork |
Subscribers on Max cannot log in to Claude Code. | login code |
The desktop app is affected, browsers are not. | desktop |
It turns out that the API, contrary to what we said, is affected. | api |
We first said that only claude.ai was down; the API is down too. | web api |
Claude Code users on the API plan are not affected, those on Pro and Max are. | code |
Console: usage pages are late by an hour. API: not affected. | console | api
Errors on Opus 4.5 via the API | api |
Opus 4.5 through claude.ai is slow. | web |
Claude through the mobile app is slow. | mobile |
""",
    "openai": """
ChatGPT is recovering; API traffic was not impacted. | chatgpt-web | api
Errors affect ChatGPT on iOS and Android, not on the web. | chatgpt-mobile |
Responses API latency is high, the Assistants API is not affected. | api |
Free users of ChatGPT are affected, Plus and Enterprise users are not. | chatgpt-web |
ChatGPT sign-in by Google is failing; other ways to sign in work. | login chatgpt-web |
Login to ChatGPT fails, signed-in users can keep working. | login chatgpt-web |
ChatGPT's file uploads are broken, the rest of ChatGPT works. | chatgpt-web |
Elevated errors in ChatGPT, excluding ChatGPT Enterprise. | chatgpt-web |
No known impact to API users. | | api
API users should see no change. | api |
ChatGPT voice mode is unavailable; text conversations continue to work. | chatgpt-web |
We are not aware of issues with Sora. | | sora
Codex tasks may not start, but running ones will finish. | codex |
The API isn't returning errors any more. | | api
We no longer see elevated errors on the API. | | api
Latency of the API is now within normal bounds. | | api
The root cause lies with our login provider; ChatGPT itself is healthy. | login | chatgpt-web
A small number of API requests still fail. | api |
ChatGPT, Sora and Codex have recovered. We are still working on the API. | api | chatgpt-web sora codex
We saw a short dip in API availability at 10:05 that has fully passed. | api |
Image generation in ChatGPT is slow; image generation in the API is not. | chatgpt-web |
Enterprise workspaces could not open ChatGPT, and neither could Edu workspaces. | chatgpt-web |
The outage at our cloud provider is over, ChatGPT keeps recovering. | chatgpt-web |
Only customers who use Sora through the API are affected. | sora |
GPT-4o in ChatGPT is slow. | chatgpt-web |
ChatGPT in the iOS app crashes. | chatgpt-web chatgpt-mobile |
Sora through the API fails. | sora |
""",
}

# Each has a word for "works", and does not say that the API works now.
NOT_WORKING = """
The API was working normally yesterday.
The API works normally only for cached requests.
The API is working, intermittently.
The API works half of the time.
The API works in about half of the cases.
We thought the API had recovered, but it has not.
The API recovered briefly.
The API recovered for a few minutes and failed again.
The API recovered at 10:05 and broke again at 10:20.
After the API had recovered, errors came back.
The API was restored; shortly after, errors returned.
The API is available to some customers only.
The API is available read-only.
The API is up in maintenance mode.
The API is operational in a degraded state.
The API is running normally except that all writes fail.
The API is fully operational for reads.
It may look as if the API is working.
The API appears operational from our side, but customers report errors.
Our dashboards show the API as operational, which is wrong.
The API status shows operational although requests fail.
The status of the API was set to operational by mistake.
The API should be working by 11:00.
The API should be back soon.
The API is expected to be fully operational by noon.
The API could be back within the hour.
We hope to have the API working normally soon.
We're close to having the API back.
Getting the API back to normal will take an hour.
Bringing the API back online takes longer than planned.
Once it is verified, the API will be back to normal.
We are unable to say that the API is unaffected.
The API is not out of the woods.
The API is no better.
The API has recovered by 50 %.
50 % of API requests are back to normal.
Half of the API servers are back online.
The API is healthy in one of three zones.
The API is operating normally in most regions.
The API has largely recovered.
The API has mostly been restored.
The API is slowly coming back.
The API is back, with errors.
The API is back with limited capacity.
The API is back, at reduced speed.
The API is back in a limited form.
The API is stable but at a high error rate.
The API remains up though unusable.
The API isn't unaffected.
The API hasn't been spared.
The fix for the API was resolved to be insufficient.
The fix that restored the API was rolled back.
The API errors that were resolved yesterday have returned.
The resolved API incident has come back.
The API can be used by internal users only.
The API is working for us; customers still see errors.
The API used to be unaffected.
The API would be operational without this bug.
Were the API operational, logins would work.
"""


def rows():
    for provider, table in SENTENCES.items():
        for line in filter(None, table.splitlines()):
            text, affected, working = (cell.strip() for cell in line.split("|"))
            yield pytest.param(provider, text, set(affected.split()), set(working.split()), id=f"{provider}: {text}")


@pytest.mark.parametrize(("provider", "text", "affected", "working"), list(rows()))
def test_a_sentence_says_of_each_surface_what_it_says(provider, text, affected, working):
    reading = read_text(text, CATALOGUE[provider])
    hit = reading.affected_mentions() or reading.affected_mentions(implied=True)
    fine = [m for m in reading.mentions if m.assertion in (Assertion.SPARED, Assertion.RECOVERED) and not m.implied]
    affected_ids = {m.surface.removeprefix(f"{provider}-") for m in hit}
    working_ids = {m.surface.removeprefix(f"{provider}-") for m in fine} - affected_ids
    assert (affected_ids, working_ids) == (affected, working)


@pytest.mark.parametrize("text", NOT_WORKING.strip().splitlines())
def test_a_sentence_that_does_not_say_that_it_works_now_clears_nothing(text):
    mentions = [m for m in read_text(text, CATALOGUE["claude"]).mentions if m.surface == "claude-api"]
    is_clear = any(m.assertion in (Assertion.SPARED, Assertion.RECOVERED) for m in mentions)
    assert not is_clear or any(m.assertion.is_affected for m in mentions)
