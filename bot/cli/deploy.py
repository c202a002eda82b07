"""``brownout deploy``: prints files that run Brownout under systemd, Docker, Compose or Kubernetes, or ask it in CI."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

import click

from bot import __version__, settings
from bot.cli.options import config_option

PROGRAM = "/opt/brownout/bin/brownout"
TEMPLATES = ("systemd", "docker", "compose", "kubernetes", "github-action")
_PLACEHOLDER = re.compile(r"@([a-z_]+)@")


@click.command()
@click.argument("kind", type=click.Choice(TEMPLATES))
@config_option
@click.option("--user", default="brownout", show_default=True, help="systemd: the user that runs the bot.")
@click.option(
    "--exec", "program", default="/opt/brownout/bin/brownout", show_default=True, help="systemd: the program."
)
@click.option("--image", default=f"brownout:{__version__}", show_default=True, help="Compose, Kubernetes: the image.")
def deploy(kind: str, config: Path | None, user: str, program: str, image: str) -> None:
    """Prints a file that runs Brownout: a systemd unit, a Dockerfile, a Compose file or Kubernetes manifests.

    `github-action` prints an action for workflows on GitHub that waits or skips by the bot's advice.

    Save it where the file's first lines say; they also say what to do next. The port is that of your configuration.
    """
    app_settings = settings.load(config)
    values = {
        "version": __version__,
        "port": str(app_settings.web.port),
        "user": user,
        "program": program,
        "image": image,
    }
    click.echo(render(kind, values), nl=False)


def render(kind: str, values: Mapping[str, str]) -> str:
    """The template of this kind with its ``@name@`` placeholders filled in. KeyError for one without a value."""
    text = (resources.files("bot") / "deploy" / f"{kind}.txt").read_text(encoding="utf-8")
    fill: Callable[[re.Match[str]], str] = lambda found: values[found[1]]  # noqa: E731
    return _PLACEHOLDER.sub(fill, text)


COMMANDS = {"deploy": deploy}
