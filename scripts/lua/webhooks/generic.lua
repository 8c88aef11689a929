-- Anything that can send JSON: POST /webhooks/incident/generic. Copy it and map your own names.
return function(body)
  return {
    name = body.name or body.title or "alert",
    summary = body.summary or body.message or body.title,
    service = body.service,
    environment = body.environment,
    severity = body.severity,
    status = body.status == "resolved" and "resolved" or "firing",
    fingerprint = body.id or body.fingerprint,
    group = body.group or body.id or body.name or body.title,
    starts_at = body.starts_at,
    ends_at = body.ends_at,
    url = body.url,
  }
end
