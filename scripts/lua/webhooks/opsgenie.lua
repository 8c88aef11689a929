-- Opsgenie webhooks as alerts: POST /webhooks/incident/opsgenie.
-- https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/
return function(body)
  local alert = body.alert or {}
  local details = alert.details or {}
  local ended = body.action == "Close" or body.action == "Delete"
  if not alert.alertId then
    return {}
  end
  return {
    name = alert.message or "Opsgenie alert",
    summary = alert.message,
    service = alert.entity ~= "" and alert.entity or details.service,
    environment = details.environment,
    severity = alert.priority or "P3",
    status = ended and "resolved" or "firing",
    fingerprint = alert.alertId,
    group = alert.alias or alert.alertId,
    starts_at_ms = alert.createdAt,
  }
end
