-- PagerDuty webhooks, version 3, as alerts: POST /webhooks/incident/pagerduty.
-- https://developer.pagerduty.com/docs/webhooks-overview
return function(body)
  local event = body.event or {}
  local data = event.data or {}
  local kind = event.event_type or ""
  if event.resource_type ~= "incident" and not string.find(kind, "^incident%.") then
    return {}
  end
  local service = data.service or {}
  return {
    name = data.title or "PagerDuty incident",
    summary = data.title,
    service = service.summary,
    severity = data.urgency == "low" and "warning" or "critical",
    status = kind == "incident.resolved" and "resolved" or "firing",
    fingerprint = data.id,
    group = data.incident_key or data.id,
    starts_at = data.created_at,
    ends_at = kind == "incident.resolved" and event.occurred_at or nil,
    url = data.html_url,
  }
end
