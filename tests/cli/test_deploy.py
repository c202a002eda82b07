"""``brownout deploy``: files for systemd, Docker, Compose and Kubernetes."""

import shutil
import subprocess

import pytest
import yaml
from click.testing import CliRunner

from bot.cli import deploy
from bot.cli.main import brownout


def printed(kind, *options, **environment):
    result = CliRunner(env=environment).invoke(brownout, ["deploy", kind, *options])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("kind", deploy.TEMPLATES)
def test_no_placeholder_is_left(kind):
    assert deploy._PLACEHOLDER.findall(printed(kind).replace("@system-service", "").replace("@resources", "")) == []


@pytest.mark.parametrize("kind", deploy.TEMPLATES)
def test_the_port_is_that_of_the_configuration(kind):
    assert "9123" in printed(kind, BROWNOUT_WEB_PORT="9123")


def test_compose_starts_the_image_with_a_volume_and_a_health_check():
    [service] = yaml.safe_load(printed("compose", "--image", "registry.example/brownout:1"))["services"].values()
    assert (service["image"], service["volumes"], "healthcheck" in service) == (
        "registry.example/brownout:1",
        ["brownout:/data"],
        True,
    )


def test_kubernetes_has_one_replica_that_is_never_doubled():
    deployment = next(d for d in yaml.safe_load_all(printed("kubernetes")) if d["kind"] == "Deployment")
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})


def test_kubernetes_probes_ask_what_the_server_serves():
    deployment = next(d for d in yaml.safe_load_all(printed("kubernetes")) if d["kind"] == "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    paths = {container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe", "startupProbe")}
    assert paths == {"/healthz", "/readyz"}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_finds_no_fault_in_the_unit(tmp_path):
    unit = tmp_path / "brownout.service"
    unit.write_text(printed("systemd", "--exec", "/bin/true", "--user", "root"))
    checked = subprocess.run(  # noqa: S603  (the unit of this test)
        ["systemd-analyze", "verify", "--man=no", str(unit)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in checked.stderr.splitlines() if "brownout" in line] == []
