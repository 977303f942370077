"""Links to traces and logs, made from the configuration's templates; outside text is percent-encoded."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from sagadoctor.model.finding import Finding


def links(finding: Finding, templates: Mapping[str, str]) -> dict[str, str]:
    """Return the links whose placeholders this finding can fill."""
    known = {
        "saga_id": finding.saga_id,
        "saga_type": finding.saga_type,
        "trace_id": finding.trace_id,
        "correlation_id": finding.correlation_id,
        "business_key": finding.business_key,
    }
    made: dict[str, str] = {}
    for name, template in templates.items():
        used = {key: value for key, value in known.items() if "{" + key + "}" in template}
        if any(value is None for value in used.values()):
            continue
        url = template
        for key, value in used.items():
            url = url.replace("{" + key + "}", quote(value or "", safe="", errors="surrogatepass"))
        made[name] = url
    return made
