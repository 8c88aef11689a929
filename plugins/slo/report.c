#include "report.h"

#include <stdio.h>
#include <stdlib.h>

const struct report_step report_steps[4] = {
    {3600, 9, "1 hour", "Page to defend the objective"},
    {43200, 3, "12 hours", "Page to defend the objective"},
    {604800, 1.5, "7 days", "Dev team dedicates 25 % of engineers to the reliability backlog"},
    {2419200, 1, "28 days", "Freeze release, unless related to reliability or security"},
};

/* Rounds the decimal expansion, half to even, as Python's round does. */
static double rounded(double value, int decimals) {
    char text[400];
    (void)snprintf(text, sizeof text, "%.*f", decimals, value);
    return strtod(text, NULL);
}

/* In slo-generator's order: what one side lacks counts as -1 when the events are counted. */
static const char *fault_of(const struct report_input *input) {
    if (input->good == REPORT_NO_DATA && input->bad == REPORT_NO_DATA)
        return "there is no data on good and bad events";
    if (input->good + input->bad < REPORT_EVENTS_LEAST) return "there are not enough valid events";
    return NULL;
}

struct report report_of(const struct report_input *input) {
    struct report report = {.why = fault_of(input)};
    if (report.why) return report;
    const double good = input->good == REPORT_NO_DATA ? 0 : input->good;
    const double bad = input->bad == REPORT_NO_DATA ? 0 : input->bad;
    const double allowed = 1 - input->goal;
    report.sli = rounded(good / (good + bad), 6);
    report.gap = report.sli - input->goal;
    const double spent = allowed == 0 ? 0 : (1 - report.sli) / allowed;
    report.burn = rounded(spent, 1);
    report.remaining_minutes = input->window_s * report.gap / 60;
    report.budget_minutes = input->window_s * allowed / 60;
    report.error_minutes = input->window_s * (1 - report.sli) / 60;
    report.consumed_percent = 100 * spent;
    report.alert = report.burn > input->threshold;
    report.valid = report.sli >= 0 && report.sli <= 1;
    if (!report.valid) report.why = "the indicator is not between 0 and 1";
    return report;
}
