s/found \|= \*a != 1/found |= *a != was_a/
