s/    \*\(uint32_t \*\)shadow \|= BIT\(SHADOW\);//
