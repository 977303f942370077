"""The demo's company on each real database: every planted sickness is named, and nobody healthy is accused."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from sagadoctor.bootstrap import open_doctor
from sagadoctor.demo.config_text import config_text
from sagadoctor.demo.incident import the_incident
from sagadoctor.model.finding import Finding, Severity
from sagadoctor.model.report import ReportEnd
from sagadoctor.services.scan import ScanRequest, scan


def _configuration(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the demo's configuration with the password where a password belongs."""
    parts = make_url(url)
    if parts.password is None:
        return config_text(url)
    monkeypatch.setenv("DEMO_PW", str(parts.password))
    bare = parts._replace(password=None).render_as_string()
    return config_text(bare).replace("preset =", 'password = { env = "DEMO_PW" }\npreset =', 1)


async def _scan(config: Path) -> tuple[list[Finding], ReportEnd]:
    doctor = open_doctor(config, None)
    findings: list[Finding] = []
    end: ReportEnd | None = None
    try:
        async for told in scan(doctor.backends, ScanRequest(reader="test")):
            if isinstance(told, ReportEnd):
                end = told
            else:
                findings.append(told)
    finally:
        await doctor.backends.close()
    assert end is not None
    return findings, end


def test_every_sickness_is_the_primary_finding_of_its_saga_and_no_healthy_saga_is_accused(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(store_url)
    incident = the_incident(engine, datetime.now(UTC))
    incident.world.close()
    engine.dispose()
    config = tmp_path / "demo.toml"
    config.write_text(_configuration(store_url, monkeypatch) + f'\n[ledger]\nurl = "sqlite:///{tmp_path}/ledger.db"\n')

    findings, end = asyncio.run(_scan(config))

    assert end.complete, (end.blind_spots, end.notes)
    primary = {finding.saga_id: finding for finding in findings if finding.primary}
    told = {
        truth.saga_id: (primary[truth.saga_id].rule if truth.saga_id in primary else None) for truth in incident.truths
    }
    assert told == {truth.saga_id: truth.rule for truth in incident.truths}
    well = {truth.saga_id for truth in incident.truths if not truth.is_sick}
    assert [each for each in findings if each.saga_id in well and each.severity is not Severity.INFO] == []
    assert len({truth.rule for truth in incident.sick}) >= 12  # so that this can't pass on an empty afternoon
