//! The cases of `schedule.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "schedule_every_minute",
        "a/dump.timer",
        "-OnCalendar=*-*-* 02:30:00\n+OnCalendar=*-*-* *:*:*",
        "-OnCalendar=*-*-* 02:30:00\n+OnCalendar=*-*-* 03:30:00",
    ),
    (
        "schedule_every_minute",
        "cron.d/backup",
        "-0 3 * * * root /usr/local/bin/b.sh\n+* 3 * * * root /usr/local/bin/b.sh",
        "-0 3 * * * root /usr/local/bin/b.sh\n+0 4 * * * root /usr/local/bin/b.sh",
    ),
    (
        "schedule_every_minute",
        "a/job.yaml",
        "-schedule: \"0 3 * * *\"\n+schedule: \"* 3 * * *\"",
        "-schedule: \"0 3 * * *\"\n+schedule: \"0 4 * * *\"",
    ),
    (
        "schedule_jump",
        "a/report.yaml",
        "-schedule: \"0 6 1 * *\"\n+schedule: \"0 6 * * *\"",
        "-schedule: \"0 6 1 * *\"\n+schedule: \"30 5 1 * *\"",
    ),
    (
        "schedule_jump",
        "a/backup.yaml",
        "-schedule: 0 3 * * *\n+schedule: 0 3 1 1 *",
        "-schedule: 0 3 * * *\n+schedule: 0 3 * * 1-5",
    ),
    (
        "schedule_every_minute",
        "a/wrangler.toml",
        "-crons = [\"0 */6 * * *\"]\n+crons = [\"* */6 * * *\"]",
        "-crons = [\"0 */6 * * *\"]\n+crons = [\"10 */6 * * *\"]",
    ),
    (
        "schedule_every_minute",
        "a/celeryconfig.py",
        "-        \"schedule\": crontab(hour=2, minute=0),\n+        \"schedule\": crontab(hour=2),",
        "-        \"schedule\": crontab(hour=2, minute=0),\n+        \"schedule\": crontab(hour=2, minute=15),",
    ),
    (
        "schedule_jump",
        "a/job.groovy",
        "     triggers {\n-        cron('H 3 1 * *')\n+        cron('H/5 * * * *')",
        "     triggers {\n-        cron('H 3 1 * *')\n+        cron('H 4 1 * *')",
    ),
    (
        "schedule_jump",
        "a/plan.yaml",
        "-billing_interval: month\n+billing_interval: day",
        "-billing_interval: month\n+billing_interval: months",
    ),
];
