# Which of sha1sum, sha256sum or md5sum is chosen by a file.
read -r tool </etc/tool
for known in sha1sum sha256sum md5sum; do
    if [ "$known" = "$tool" ]; then echo known; fi
done
echo text | "$tool"
