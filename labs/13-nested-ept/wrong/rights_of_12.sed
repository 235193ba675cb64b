s/inner.rights & outer.rights\)/inner.rights)/; /need & ~outer.rights/,/^    \}/d
