s/inner.rights & outer.rights\)/outer.rights)/; s/ \|\| need & ~inner.rights//
