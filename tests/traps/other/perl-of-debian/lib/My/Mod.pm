package My::Mod; sub v { 7 } 1;
