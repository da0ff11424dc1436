public class Words { public static String hello() { return "hello"; } }
