#include <fontconfig/fontconfig.h>
#include <stdio.h>
int main(void) {
  FcPattern *wanted = FcNameParse((const FcChar8 *)"sans");
  FcResult result;
  FcConfigSubstitute(NULL, wanted, FcMatchPattern);
  FcDefaultSubstitute(wanted);
  FcPattern *found = FcFontMatch(NULL, wanted, &result);
  FcChar8 *file = (FcChar8 *)"none";
  if (found) FcPatternGetString(found, FC_FILE, 0, &file);
  printf("%s\n", file);
  return 0;
}
