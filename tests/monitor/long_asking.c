// The same as test_asking, about a thousand places and some hundreds of spans.
#define PLACES_ASKED 1000
#include "tests/monitor/test_asking.c"
