# The rows of the devices that -device makes: DEVICE(symbol) at the start of a line of any source in devices/. A new
# device's file is all that it needs.
$(O)/gen/device_rows.def: FORCE
	@mkdir -p $(@D); sed -n 's/^DEVICE(\([a-z0-9_]*\)).*/DEVICE_ROW(\1)/p' $(filter devices/%,$(CORE_SOURCES)) | LC_ALL=C sort > $@.new; \
	cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(O)/obj/devices/board/kinds.o: $(O)/gen/device_rows.def
