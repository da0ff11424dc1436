public class B { public static String text() { return java.util.ResourceBundle.getBundle("words").getString("text"); } }
