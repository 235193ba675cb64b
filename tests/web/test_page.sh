#!/bin/bash
# The page in headless Chromium, from a file and from a server: a run is stepped over a VM entry into L2 and back, the slider
# moves it, a field is explained and its last writer gone to, and the end has the native hash. SHOTS=DIR keeps pictures.
. "$(dirname "$0")/lib.bash"
page=$O/web/index.html
built "$page"
type -P chromium chromedriver >/dev/null || skip "there is no chromium, or no chromedriver, here"

wanted=$(native depth=2 | grep ^hash)
claims=0
look() { # NAME ADDRESS
	local said made
	said=$(timeout 200 node tests/web/browser.js "$2" "$wanted" ${SHOTS:+"$SHOTS"} 2>&1)
	sed -n "s/^\(ok\|not ok\) /\1 $1: /p" <<<"$said"
	made=$(grep -cE '^(ok|not ok) ' <<<"$said")
	claims=$((claims + made))
	[[ $made -gt 0 && $(grep -E '^1\.\.' <<<"$said") == 1..$made ]]
	check "$1: the browser's part came to its end" $? "it made $made claims, and then: $(tail -n 1 <<<"$said")"
	grep '^#' <<<"$said"
}

look file "file://$PWD/$page"
exec {port}< <(exec node web/serve.js "$O/web" 0)
server=$!
read -r -u "$port" address
look server "$address"
kill "$server"
check "the page has less than 8 MBytes" $(($(stat -c %s "$page") >= 8 << 20))
echo "1..$((claims + count))"
