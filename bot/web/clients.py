"""Serves what other programs use to ask the bot (bot/docs/gate-client.md): ``/clients/gate.ts``, and a Python wheel.

The wheel is put together from the files in ``bot/clients/python``, so that ``pip install`` of its address works where
no package index has it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

CLIENTS_FOLDER = Path(__file__).parents[1] / "clients"
PYTHON_FOLDER = CLIENTS_FOLDER / "python"
PACKAGE = "brownout_gate"
_HEADERS = {"Cache-Control": "max-age=300"}
_OLDEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same files always make the same wheel


def add_clients(app: FastAPI) -> None:
    """Adds the routes."""
    name = wheel_name()

    @app.get("/clients/gate.ts", include_in_schema=False)
    async def gate_ts() -> Response:
        text = (CLIENTS_FOLDER / "gate.ts").read_text(encoding="utf-8")
        return PlainTextResponse(text, headers=_HEADERS)

    @app.get("/clients/{file}", include_in_schema=False)
    async def wheel(file: str) -> Response:
        if file != name:
            return PlainTextResponse(f"Files: /clients/gate.ts and /clients/{name}", 404)
        return Response(build_wheel(), media_type="application/zip", headers=_HEADERS)


def wheel_name() -> str:
    """The file name of the wheel, which pip reads the version from."""
    return f"{PACKAGE}-{_project()['version']}-py3-none-any.whl"


@cache
def build_wheel() -> bytes:
    """The wheel of ``brownout-gate``: the package, its metadata, and the list of files with their hashes."""
    info = f"{PACKAGE}-{_project()['version']}.dist-info"
    sources = sorted(f for f in (PYTHON_FOLDER / PACKAGE).iterdir() if f.suffix == ".py" or f.name == "py.typed")
    files = {f"{PACKAGE}/{source.name}": source.read_bytes() for source in sources}
    files[f"{info}/METADATA"] = _metadata().encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: brownout\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{name},sha256={_hash(content)},{len(content)}\n" for name, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _OLDEST_ZIP_TIME), content)
    return packed.getvalue()


def _metadata() -> str:
    project = _project()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License: {project['license']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {needed}" for needed in project["dependencies"]),
    ]
    for extra, needs in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {needed}; extra == "{extra}"' for needed in needs]
    readme = (PYTHON_FOLDER / project["readme"]).read_text(encoding="utf-8")
    return "\n".join([*lines, "Description-Content-Type: text/markdown", "", readme])


@cache
def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((PYTHON_FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
