from django.contrib.auth.models import User
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
import datetime


def index(request):
    noon = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.timezone.utc)
    return render(request, "index.html", {"users": User.objects.count(), "noon": timezone.localtime(noon)})


urlpatterns = [path("", index)]
