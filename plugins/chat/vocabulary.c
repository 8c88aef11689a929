/* vocabulary.c - data: which words are about what. */
#include "words.h"

const struct vocabulary_row vocabulary[] = {
    {"why", "why reason reasons cause caused causes because explain explanation explains"},
    {"fail",
     "fail failed fails failing failure failures broke broken break breaks crash crashed crashes crashing "
     "error errors errored wrong unsuccessful abort aborted aborting aborts red unhealthy"},
    {"block",
     "block blocked blocking blocks blocker deny denied denies denying denial denials reject rejected "
     "rejects rejecting rejection refuse refused refuses refusing stopped stop stops prevented prevent "
     "prevents preventing disallowed forbidden forbid forbids veto vetoed bounced turned"},
    {"not", "not cannot can't couldn't didn't doesn't won't isn't unable wasn't aren't never"},
    {"allow", "allow allowed allows permit permitted let lets"},
    {"wait",
     "wait waiting waits waited stuck pending hold held holding holds paused pausing queued stalled stalling "
     "hanging hangs hung hang halted"},
    {"policy", "policy policies rule rules gate gates guardrail guardrails check checks"},
    {"change",
     "change changed changes changing diff differ differs difference differences different delta compare "
     "compared comparison vs versus"},
    {"deployed", "deployed running runs run live installed serving active"},
    {"deploy",
     "deploy deploys deployment deployments deploying ship shipping shipped ships release releases "
     "released releasing rollout rollouts rolling pushing push pushed launch launching canary promotion"},
    {"version", "version versions image images tag tags build builds"},
    {"safe", "safe safely ok okay ready fine sane wise advisable good sensible"},
    {"can", "can could may should shall able"},
    {"fix",
     "fix fixes fixing fixed repair resolve resolving solve solving mitigate mitigation remedy remediate "
     "troubleshoot handle debug unblock unstick runbook runbooks playbook recover cure address clear about"},
    {"alert", "alert alerts alarm alarms firing fires fire paged pager pages paging"},
    {"who", "who whom whose"},
    {"approve",
     "approve approved approves approving approval approvals approver approvers sign signed signs "
     "signoff sign-off authorised authorized authorise authorize granted grant green-lit blessed"},
    {"request", "request requested requests requester asked author started triggered initiated"},
    {"budget",
     "budget budgets slo slos sli slis burn burning burned burnt burns objective objectives availability "
     "reliability error-budget"},
    {"confidence", "confidence confident meter"},
    {"happen",
     "happen happened happens happening occurred occur events activity overnight timeline summary "
     "summarise summarize recap news catch missed"},
    {"incident", "incident incidents outage outages down sev sev1 sev2 postmortem degraded"},
    {"risk", "risk risky riskier riskiest risks dangerous danger risk-score"},
    {"list", "list show display give enumerate print"},
    {"many", "many count number often"},
    {"last", "last latest newest recent recently current currently"},
    {"rollback", "rollback rolled-back revert reverted reverting undo undone rolled roll back"},
    {"promote", "promote promoted promoting"},
    {"pause", "pause"},
    {"resume", "resume resumed continue"},
    {"freeze", "freeze freezes frozen"},
    {"help", "help hello hi hey capabilities"},
    {"next", "next step steps action"},
    {"do", "do doing done"},
    {"need", "need needs needed require requires required want wants"},
    {"what", "what what's whats"},
    {"which", "which"},
    {"where", "where"},
    {"how", "how"},
    {"when", "when"},
    {"between", "between since"},
    {"apply", "apply applies applied exist exists defined configured enforced"},
    {"now", "now right today tonight"},
    {"you", "you your sluice"},
    {0}};

const char vocabulary_small[] =
    "a an the of in on at to for from with by is are was were be been being am does did has have had having it its it's "
    "this that these those there here my our me i we us they them he she his her and or but so if then than as up "
    "out off over into onto please tell know see get got go going went us any some all much more most very just still again "
    "anything everything something thing things one ones service services app apps application applications environment environments "
    "env cluster team platform system about during after before until through around production's because while yet ever "
    "really actually exactly it'll i'd i'm we're will would make makes made time like also too both either "
    "other others another against per via regarding concerning thanks thank kindly could've should've and/or "
    "put look looks looking find found say says said mean means meant come comes came take takes took use used using keep "
    "keeps kept left right-now currently-running someone anyone anybody somebody person people problem problems issue issues status state "
    "new old first try tries tried trying only first-time start begin";
