# In each lab: make check looks at start/lab.c, the student's; WHAT=solution at the solution.
WHAT ?= start
.PHONY: check
check:
	@$(MAKE) -s --no-print-directory -C ../.. lab-check LAB=$(notdir $(CURDIR)) WHAT=$(WHAT)
