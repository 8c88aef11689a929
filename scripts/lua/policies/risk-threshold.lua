-- In production a person looks at risky changes, and the riskiest do not go out as they are.
return policy {
  name = "risk-threshold",
  summary = "HIGH risk in production needs a person, CRITICAL is denied",
  applies = { environment = "prod" },
  check = function(ctx)
    local risk = ctx.risk
    if not risk or not risk.level then
      return needs_approval("the risk of the change is not known",
                            { fix = "send the diff, so that it can be scored, or have it approved" })
    end
    local evidence = { level = risk.level, score = risk.score, probability = risk.probability }
    if risk.level == "CRITICAL" then
      return deny("the risk of the change is CRITICAL", {
        fix = "remove the danger that risk names first, or split the change",
        evidence = evidence,
      })
    end
    if risk.level == "HIGH" then
      return needs_approval("the risk of the change is HIGH: in prod a person decides", {
        fix = "ask for an approval, or split the change into smaller ones",
        evidence = evidence,
      })
    end
    if risk.level == "LOW" or risk.level == "MED" or risk.level == "MEDIUM" then return allow() end
    return needs_approval("the risk level '" .. risk.level .. "' is not known to this policy",
                          { evidence = evidence })
  end,
}
