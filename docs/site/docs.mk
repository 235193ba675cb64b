# docs/ as static HTML in $(O)/docs, by pandoc: pages.txt says which pages there are and in which order, page.lua what becomes
# of their links, draw.awk draws the pictures out of the tree. Its first page is the one for browsers (make web) where that is
# built, else the page that one starts with.
DOCS        := $(O)/docs
docs_site   := docs/site
docs_pages  := $(shell awk -F' *[|] *' '$$1 ~ /[.]md$$/ { print $$1 }' $(docs_site)/pages.txt) $(sort $(wildcard labs/[0-9]*/README.md))
docs_made   := $(docs_pages:%.md=$(DOCS)/%.html) $(DOCS)/vmxray.1.html $(DOCS)/vmxray-monitor.7.html
docs_names  := floors levels time
docs_drawn  := $(docs_names:%=$(DOCS)/%.svg)
docs_given  := $(wildcard docs/pictures/*.png docs/example/*.c)
docs_shared := $(docs_site)/page.html $(docs_site)/page.lua $(docs_site)/pages.txt $(docs_site)/docs.mk

.PHONY: docs need-docs
docs: $(docs_made) $(docs_given:%=$(DOCS)/%) $(DOCS)/style.css $(DOCS)/index.html
	@echo 'the pages are in $(DOCS)/index.html'
need-docs:
	@NEED='$(NEED)' scripts/need.sh docs

# $(1): the page's path, $(2): what pandoc reads it as.
define docs_page
@mkdir -p $(@D)
$(call quiet,PAGE,$@)pandoc -f $(2) -t html5 --standalone --wrap=none --toc --toc-depth=3 --template=$(docs_site)/page.html \
	--lua-filter=$(docs_site)/page.lua --metadata=page:$(1) --metadata=pictures:$(DOCS) -o $@ $<
endef
$(DOCS)/%.html: %.md $(docs_shared) $(docs_drawn) | need-docs
	$(call docs_page,$*,gfm)
# The manuals are made from the rows of commands and options.
$(DOCS)/%.html: $(O)/% $(docs_shared) | need-docs
	$(call docs_page,$*,man)
$(DOCS)/floors.svg: tests/law/rooms
$(DOCS)/%.svg: $(docs_site)/draw.awk
	@mkdir -p $(@D)
	$(call quiet,DRAW,$@)awk -v picture=$* -f $(docs_site)/draw.awk tests/law/rooms > $@
$(docs_given:%=$(DOCS)/%): $(DOCS)/%: %
	@mkdir -p $(@D) && cp $< $@
$(DOCS)/style.css: $(docs_site)/style.css
	@mkdir -p $(@D) && cp $< $@
$(DOCS)/index.html: $(DOCS)/docs/start.html $(wildcard $(WEB)/index.html)
	$(call quiet,PAGE,$@)if [ -e $(WEB)/index.html ]; then cp $(WEB)/index.html $@; else \
		echo '<!doctype html><meta charset="utf-8"><title>vmxray</title><meta http-equiv="refresh" content="0; url=docs/start.html"><a href="docs/start.html">Start here</a>' > $@; fi
