#!/bin/bash
vars=$(printf '${%s} ' $(env | cut -d= -f1))
envsubst "$vars" </etc/app/app.conf.template >/tmp/app.conf
if [[ -s /tmp/app.conf ]]; then wc -l </tmp/app.conf; fi
