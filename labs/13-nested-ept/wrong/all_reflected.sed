s/if \(!outer.mapped\) outer = .*/if (!outer.mapped) { reflect(address); return; }/
