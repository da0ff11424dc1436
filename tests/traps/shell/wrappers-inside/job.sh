#!/bin/sh
find /data -name '*.txt' -exec basename {} .txt ';' | sort
printf '%s\n' /data/*.txt | xargs -n 1 stat -c %s
awk 'BEGIN { system("expr 6 \\* 7"); "uname" | getline os; print os | "rev" }'
nice -n 3 env GREETING=hi timeout 5 printenv GREETING
sh -c 'md5sum "$@" | cut -c1-8' -- /data/a.txt
su worker -c 'whoami && echo "$HOME"'
eval "tac /data/b.txt"
seq 3 | while read -r n; do factor "$n"; done
