"""Which service an error text is about: by the address in it, or by the names of the vendors' SDKs.

Addresses come before names; of several, the first in the text counts.
"""

from __future__ import annotations

import re

_ADDRESSES = {
    "api.anthropic.com": "claude-api",
    "claude.ai": "claude-web",
    "console.anthropic.com": "claude-console",
    "platform.claude.com": "claude-console",
    "api.openai.com": "openai-api",
    "chatgpt.com": "chatgpt-web",
    "chat.openai.com": "chatgpt-web",
    "auth.openai.com": "openai-login",
    "openai.azure.com": "azure-openai",
    "generativelanguage.googleapis.com": "vertex-gemini",
    "aiplatform.googleapis.com": "vertex-gemini",
    "storage.googleapis.com": "google-storage",
    "gemini.google.com": "gemini-app",
    "bedrock-runtime": "aws-bedrock",
    "s3.amazonaws.com": "aws-s3",
    "api.mistral.ai": "mistral-api",
    "api.groq.com": "groq-api",
    "api.x.ai": "xai-api",
    "api.deepseek.com": "deepseek-api",
    "api.cohere.com": "cohere-api",
    "api.cohere.ai": "cohere-api",
    "api.together.xyz": "together-api",
    "api.together.ai": "together-api",
    "api.fireworks.ai": "fireworks-api",
    "openrouter.ai": "openrouter-api",
    "api.perplexity.ai": "perplexity-api",
    "api.replicate.com": "replicate-api",
    "api.elevenlabs.io": "elevenlabs-api",
    "api-inference.huggingface.co": "huggingface-inference",
    "router.huggingface.co": "huggingface-inference",
    "huggingface.co": "huggingface-hub",
    "api.githubcopilot.com": "github-copilot",
    "api.github.com": "github-api",
    "uploads.github.com": "github-api",
    "ghcr.io": "github-packages",
    "github.com": "github-git",
    "gitlab.com/api": "gitlab-api",
    "registry.gitlab.com": "gitlab-registry",
    "gitlab.com": "gitlab-git",
    "bitbucket.org": "bitbucket-git",
    "registry.npmjs.org": "npm-registry",
    "files.pythonhosted.org": "pypi-downloads",
    "upload.pypi.org": "pypi-upload",
    "pypi.org": "pypi-downloads",
    "index.crates.io": "crates-registry",
    "static.crates.io": "crates-downloads",
    "rubygems.org": "rubygems-downloads",
    "registry-1.docker.io": "docker-registry",
    "auth.docker.io": "docker-login",
    "quay.io": "quay-registry",
    "registry.terraform.io": "terraform-registry",
    "app.terraform.io": "terraform-cloud",
    "api.stripe.com": "stripe-api",
    "slack.com/api": "slack-apps",
    "api.twilio.com": "twilio-api",
    "api.sendgrid.com": "sendgrid-mail",
    "api.mailgun.net": "mailgun-api",
    "api.cloudflare.com": "cloudflare-api",
    "api.vercel.com": "vercel-api",
    "api.netlify.com": "netlify-api",
    "api.fly.io": "fly-api",
    "api.supabase.com": "supabase-api",
    "api.notion.com": "notion-api",
    "api.linear.app": "linear-api",
    "api.airtable.com": "airtable-api",
    "sentry.io": "sentry-ingest",
    "api.pagerduty.com": "pagerduty-web",
    "events.pagerduty.com": "pagerduty-events",
    "acme-v02.api.letsencrypt.org": "letsencrypt-issuance",
}
_SDKS = {
    r"anthropic|\bclaude\b|overloaded_error": "claude-api",
    r"azureopenai|azure openai|azureexception": "azure-openai",
    r"openai|\bgpt-": "openai-api",
    r"bedrock": "aws-bedrock",
    r"google\.(genai|api_core|generativeai)|vertexai|\bgemini\b|\bvertex_ai\b": "vertex-gemini",
    r"mistralai|\bmistral(exception)?\b": "mistral-api",
    r"\bgroq(exception)?\b": "groq-api",
    r"\bdeepseek(exception)?\b": "deepseek-api",
    r"\bcohere(exception)?\b": "cohere-api",
    r"\bs3[.-][a-z0-9-]{2,20}\.amazonaws\.com": "aws-s3",
    r"huggingface_hub": "huggingface-hub",
    r"\bpygithub\b|\boctokit\b|github api": "github-api",
    r"\bnpm (err|error)": "npm-registry",
    r"\bstripe\.": "stripe-api",
    r"slack_sdk|slack_bolt|slackapierror|@slack/": "slack-apps",
}
_ALTERNATIVES = "|".join(map(re.escape, sorted(_ADDRESSES, key=len, reverse=True)))
_ADDRESS = re.compile(rf"(?<![\w.-])(?:[\w.-]*?[.-])??({_ALTERNATIVES})(?![\w-])")
_SDK = tuple((re.compile(signs), service) for signs, service in _SDKS.items())
KNOWN_SERVICES = frozenset((*_ADDRESSES.values(), *_SDKS.values()))


def find_service(text: str) -> str | None:
    """The id of the service that a text in lower case is about; None where it names none."""
    if found := _ADDRESS.search(text):
        return _ADDRESSES[found[1]]
    named = [(match.start(), service) for signs, service in _SDK if (match := signs.search(text))]
    return min(named)[1] if named else None
