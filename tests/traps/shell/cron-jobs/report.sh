#!/bin/sh
echo '{"a":[1,2]}' | jq -c .a
tar -C /etc -czf /tmp/r.tgz os-release && tar -tzf /tmp/r.tgz
crontab=/var/spool/cron/crontabs/root
[ -s $crontab ] && cut -d' ' -f6- $crontab

